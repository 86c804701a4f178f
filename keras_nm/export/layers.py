"""The layers of a model, and the tensors of its endpoints."""

import re

import keras
import tensorflow as tf

from keras_nm.keras_internals import call_that_made
from keras_nm.machines import machine_of


def layers_of(model):
    """Yields the layers of a model in order, including those inside `Sequential` models."""
    for layer in model.layers:
        if isinstance(layer, keras.Sequential):
            yield from layers_of(layer)
        elif not isinstance(layer, keras.layers.InputLayer):
            yield layer


def machine_alone(model):
    """Returns the machine that a model consists of, and the node of its call.

    Args:
        model: A built `keras.Model` with a machine that has endpoints of its own.

    Raises:
        ValueError: If the model has anything else between its input and its output.
    """
    machine, call = call_that_made(model.outputs[0])
    alone = len(model.outputs) == 1 and call.input_tensors == model.inputs
    if not alone or machine_of(machine).add_endpoints is None:
        names = [type(x).__name__ for x in layers_of(model) if machine_of(x).add_endpoints]
        raise ValueError(
            f"Export needs the {names[0]} layer as a model of its own, from the model's "
            f"input to its output. Received: the layers {[x.name for x in model.layers]} "
            f"with inputs {model.inputs} and outputs {model.outputs}"
        )
    return machine, call


def tensor_spec(name, *shape, dtype):
    """Returns the spec of a named input of an endpoint."""
    return tf.TensorSpec(shape, dtype, name)


def identifier(name):
    """Returns a name with which TensorFlow lets an input of an endpoint begin."""
    name = re.sub(r"\W", "_", name, flags=re.ASCII)
    return name if name[0].isalpha() else f"layer_{name}"
