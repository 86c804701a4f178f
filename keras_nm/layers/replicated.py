"""Independent copies of a layer in one program."""

import keras
from keras import ops

from keras_nm.arguments import check_integer


@keras.saving.register_keras_serializable(package="keras_nm")
class Replicated(keras.layers.Layer):
    """Runs K independent copies of a layer or RNN cell, each on its share of the batch.

    The rows of a batch belong to the copies in order: the first `batch / K` to the first
    copy, and so on. Every weight of the layer has a leading axis of K, and one product
    serves all copies, so that many small ones cost little more than one.

    Args:
        layer: A Keras layer or RNN cell, from `(batch, features)` to `(batch, units)`. Its
            own weights are not used.
        num_replicas: Positive integer K.
        **kwargs: Arguments of `keras.layers.Layer`.

    Raises:
        ValueError: For a layer that changes other state than its trainable weights, as
            dropout does, and one whose weights have constraints or regularizers; for a
            batch that K does not divide.

    Example:

    >>> import keras, keras_nm, numpy as np
    >>> layer = keras_nm.layers.Replicated(keras.layers.Dense(5), num_replicas=3)
    >>> tuple(layer(np.ones((6, 4), "float32")).shape)
    (6, 5)
    >>> [tuple(weight.shape) for weight in layer.weights]
    [(3, 4, 5), (3, 5)]
    """

    def __init__(self, layer, num_replicas, **kwargs):
        # The layer itself casts what it computes with.
        super().__init__(**{"dtype": layer.dtype_policy, "autocast": False, **kwargs})
        self.num_replicas = check_integer("num_replicas", num_replicas)
        # A function hides the layer from Keras, which would count its weights as ours.
        self._layer = lambda: layer
        if hasattr(layer, "state_size"):  # a cell
            self.state_size = layer.state_size
            self.get_initial_state = layer.get_initial_state

    @property
    def layer(self):
        """The layer of which there are copies."""
        return self._layer()

    def build(self, inputs_shape, states_shape=None):
        initial_values = []
        for _ in range(self.num_replicas):
            copy = _built(
                type(self.layer).from_config(self.layer.get_config()), inputs_shape
            )
            initial_values.append([weight.numpy() for weight in copy.trainable_variables])
        layer = _built(self.layer, inputs_shape)
        if any(weight.constraint or weight.regularizer for weight in layer.weights):
            raise ValueError(
                "Replicated takes layers without constraints and regularizers, which would "
                f"mix the copies. Received: layer={layer!r}"
            )
        for weight, *values in zip(layer.trainable_variables, *initial_values, strict=True):
            self.add_weight(
                shape=(self.num_replicas, *weight.shape),
                initializer=lambda shape, dtype, values=values: ops.stack(values),
                dtype=weight.dtype,
                name=weight.name,
            )
        if hasattr(layer, "output_size"):
            self.output_size = layer.output_size

    def compute_output_shape(self, inputs_shape):
        return _built(self.layer, inputs_shape).compute_output_shape(inputs_shape)

    def call(self, inputs, states=None, training=False):
        arguments = [inputs] if states is None else [inputs, states]
        options = {"training": training} if self.layer._call_has_training_arg else {}

        constants = [variable.value for variable in self.layer.non_trainable_variables]

        def run(elements):
            weights, arguments = elements
            outputs, after = self.layer.stateless_call(
                weights, constants, *arguments, **options
            )
            if any(new is not old for new, old in zip(after, constants, strict=True)):
                raise ValueError(
                    "Replicated takes layers that change nothing but what is trained: no "
                    f"dropout, no statistics. Received: layer={self.layer!r}"
                )
            return outputs

        weights = [ops.convert_to_tensor(weight) for weight in self.weights]
        elements = (weights, self._split(arguments))
        alone = self.num_replicas == 1 or states is not None
        if alone and keras.backend.backend() == "tensorflow":
            # XLA cannot compile the gradient of TensorFlow's map over a single element,
            # and over what cells do.
            each = [
                run(keras.tree.map_structure(lambda x, k=k: x[k], elements))
                for k in range(self.num_replicas)
            ]
            return keras.tree.map_structure(lambda *x: ops.concatenate(x), *each)
        outputs = ops.vectorized_map(run, elements)
        return keras.tree.map_structure(
            lambda x: ops.reshape(x, (-1, *x.shape[2:])), outputs
        )

    def _split(self, tensors):
        def split(x):
            if x.shape[0] is not None and x.shape[0] % self.num_replicas:
                raise ValueError(
                    f"A batch of {self.num_replicas} replicas has the same number of rows "
                    f"for each. Received: {x.shape[0]} rows"
                )
            return ops.reshape(x, (self.num_replicas, -1, *x.shape[1:]))

        return keras.tree.map_structure(split, tensors)

    def get_config(self):
        return {
            **super().get_config(),
            "layer": keras.saving.serialize_keras_object(self.layer),
            "num_replicas": self.num_replicas,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        layer = keras.saving.deserialize_keras_object(
            config["layer"], custom_objects=custom_objects
        )
        return cls(**{**config, "layer": layer})


def _built(layer, input_shape):
    if not layer.built:
        layer.build(input_shape)
    return layer
