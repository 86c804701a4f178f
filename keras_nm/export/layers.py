"""The layers of a model, and the tensors of its endpoints."""

import keras
import tensorflow as tf


def layers_of(model):
    """Yields the layers of a model in order, including those inside `Sequential` models."""
    for layer in model.layers:
        if isinstance(layer, keras.Sequential):
            yield from layers_of(layer)
        elif not isinstance(layer, keras.layers.InputLayer):
            yield layer


def tensor_spec(name, *shape, dtype):
    """Returns the spec of a named input of an endpoint."""
    return tf.TensorSpec(shape, dtype, name)
