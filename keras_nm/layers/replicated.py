"""Independent copies of a layer in one program."""

import functools

import keras
from keras import ops

from keras_nm.arguments import check_integer
from keras_nm.keras_internals import inner_layers, takes_training


@keras.saving.register_keras_serializable(package="keras_nm")
class Replicated(keras.layers.Layer):
    """Runs K independent copies of a layer or RNN cell, each on its share of the batch.

    The rows of a batch belong to the copies in order: the first `batch / K` rows to the
    first copy, and so on. Every weight of the layer has a leading axis of K, and one
    product serves all copies, so many small copies cost little more than one.

    Args:
        layer: A Keras layer or RNN cell, from `(batch, features)` to `(batch, units)`. Its
            own weights are not used.
        num_replicas: Positive integer K.
        **kwargs: Arguments of `keras.layers.Layer`.

    Attributes:
        layer: The layer that is copied.

    Raises:
        ValueError: For a layer that has other than trainable weights, or changes any other
            state, as dropout and a drawn initial memory do; for a layer with constraints or
            regularizers; for a batch that K does not divide.

    Example:

    >>> import keras, keras_nm, numpy as np
    >>> layer = keras_nm.layers.Replicated(keras.layers.Dense(5), num_replicas=3)
    >>> tuple(layer(np.ones((6, 4), "float32")).shape)
    (6, 5)
    >>> [tuple(weight.shape) for weight in layer.weights]
    [(3, 4, 5), (3, 5)]
    """

    def __init__(self, layer, num_replicas, **kwargs):
        # The layer itself casts its inputs and weights.
        super().__init__(**{"dtype": layer.dtype_policy, "autocast": False, **kwargs})
        self.num_replicas = check_integer("num_replicas", num_replicas)
        # This bypasses Keras, which would track the layer and count its weights as ours.
        object.__setattr__(self, "layer", layer)
        if hasattr(layer, "state_size"):  # a cell
            self.state_size = layer.state_size
        if hasattr(layer, "get_initial_state"):
            self.get_initial_state = self._initial_state

    def build(self, inputs_shape, states_shape=None):
        layer = _built(self.layer, inputs_shape)
        if layer.non_trainable_weights:
            names = [weight.path for weight in layer.non_trainable_weights]
            raise ValueError(
                "Replicated takes layers whose weights are all trainable: no statistics, "
                f"and no frozen layers. Received: layer={layer!r}, whose weights {names} "
                "are not"
            )
        layers = [layer, *inner_layers(layer)]
        has_regularizers = any(
            weight.constraint or weight.regularizer for weight in layer.weights
        ) or any(x.activity_regularizer for x in layers)
        if has_regularizers:
            raise ValueError(
                "Replicated takes layers without constraints and regularizers, which would "
                f"mix the copies. Received: layer={layer!r}"
            )

        # Keras may initialize weights after it has built the layer, as inside `fit`.
        @functools.cache
        def copies():
            configs = [
                _with_other_seeds(layer.get_config(), index)
                for index in range(self.num_replicas)
            ]
            return [_built(type(layer).from_config(x), inputs_shape) for x in configs]

        def initial_values(index):
            return ops.stack([copy.trainable_variables[index].value for copy in copies()])

        for index, weight in enumerate(layer.trainable_variables):
            self.add_weight(
                shape=(self.num_replicas, *weight.shape),
                initializer=lambda shape, dtype, index=index: initial_values(index),
                dtype=weight.dtype,
                name=weight.name,
                # The layer casts its own weights, if at all.
                autocast=False,
            )
        if hasattr(layer, "output_size"):
            self.output_size = layer.output_size

    def compute_output_shape(self, inputs_shape):
        return _built(self.layer, inputs_shape).compute_output_shape(inputs_shape)

    def call(self, inputs, states=None, training=False):
        arguments = [inputs] if states is None else [inputs, states]
        options = {"training": training} if takes_training(self.layer) else {}

        constants = [variable.value for variable in self.layer.non_trainable_variables]

        def run(elements):
            weights, arguments = elements
            outputs, after = self.layer.stateless_call(
                weights, constants, *arguments, **options
            )
            self._check_unchanged(constants, after)
            return outputs

        weights = [ops.convert_to_tensor(weight) for weight in self.weights]
        elements = (weights, self._split(arguments))
        alone = self.num_replicas == 1 or states is not None
        if alone and keras.backend.backend() == "tensorflow":
            # XLA cannot compile the gradient of TensorFlow's map over a single element or
            # over cells.
            each = [
                run(keras.tree.map_structure(lambda x, k=k: x[k], elements))
                for k in range(self.num_replicas)
            ]
            return keras.tree.map_structure(lambda *x: ops.concatenate(x), *each)
        outputs = ops.vectorized_map(run, elements)
        return keras.tree.map_structure(
            lambda x: ops.reshape(x, (-1, *x.shape[2:])), outputs
        )

    def _initial_state(self, batch_size):
        if not self.built:
            return self.layer.get_initial_state(batch_size=batch_size)
        self._check_rows(batch_size)
        states = [self._initial_state_of(k, batch_size) for k in range(self.num_replicas)]
        return keras.tree.map_structure(lambda *x: ops.concatenate(x), *states)

    def _initial_state_of(self, index, batch_size):
        variables = self.layer.non_trainable_variables
        constants = [variable.value for variable in variables]
        weights = zip(self.layer.trainable_variables, self.weights, strict=True)
        scope = keras.StatelessScope([(own, weight[index]) for own, weight in weights])
        with scope:
            state = self.layer.get_initial_state(batch_size=batch_size // self.num_replicas)
            after = [variable.value for variable in variables]
        self._check_unchanged(constants, after)
        return state

    def _check_unchanged(self, before, after):
        if any(new is not old for new, old in zip(after, before, strict=True)):
            raise ValueError(
                "Replicated takes layers that change only their trainable weights: no "
                "dropout, no statistics, no states that are drawn. "
                f"Received: layer={self.layer!r}"
            )

    def _check_rows(self, num_rows):
        if isinstance(num_rows, int) and num_rows % self.num_replicas:
            raise ValueError(
                f"A batch for {self.num_replicas} replicas must have the same number "
                f"of rows for each. Received: {num_rows} rows"
            )

    def _split(self, tensors):
        def split(x):
            self._check_rows(x.shape[0])
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


def _with_other_seeds(config, index):
    """Returns a configuration of other random numbers, where it has seeds."""
    if isinstance(config, dict):
        config = {key: _with_other_seeds(x, index) for key, x in config.items()}
        if isinstance(config.get("seed"), int):
            config["seed"] += index
    elif isinstance(config, list | tuple):
        config = type(config)(_with_other_seeds(x, index) for x in config)
    return config


def _built(layer, input_shape):
    if not layer.built:
        layer.build(input_shape)
    return layer


class Replicas:
    """The methods of a layer with an argument `num_replicas`: a mixin of its class.

    The layer's weights have a leading axis of K, the number of replicas. K is also in the
    layer's configuration.
    """

    def replica(self, index):
        """Extracts one of the machines, as an ordinary single layer.

        Args:
            index: Integer from 0 to `num_replicas` - 1.

        Returns:
            An `NRAM` with its own weights.

        Raises:
            ValueError: If the layer has no replicas, or no replica of this index.

        Example:

        >>> import numpy as np, keras_nm
        >>> layer = keras_nm.layers.NRAM(num_registers=2, num_steps=3, num_replicas=4)
        >>> tape = np.array([[3, 1, 2, 0]])
        >>> outputs = layer(np.repeat(tape, 4, axis=0))
        >>> np.allclose(outputs[1:2], layer.replica(1)(tape), atol=1e-6)
        True
        """
        self._check_replica(index)
        layer = type(self).from_config({**self.get_config(), "num_replicas": None})
        layer.build(None)
        for weight, replicas in zip(layer.weights, self.weights, strict=True):
            value = keras.ops.convert_to_numpy(replicas)[index]
            weight.assign(value.reshape(weight.shape))
        return layer

    def assign_replica(self, index, layer):
        """Gives one of the machines the weights of a single layer: `replica` in reverse.

        Args:
            index: Integer from 0 to `num_replicas` - 1.
            layer: A built `NRAM` with the same settings, but without replicas.

        Raises:
            ValueError: If the layer has no replicas, or no replica of this index, or if
                the weights do not fit.
        """
        self._check_replica(index)
        shapes = [tuple(weight.shape) for weight in layer.weights]
        # A machine alone has its numbers in weights of shape (1,).
        fitting = [tuple(weight.shape[1:]) or (1,) for weight in self.weights]
        if fitting != shapes:
            raise ValueError(
                f"`layer` must have weights of the shapes {fitting}. Received: {shapes}"
            )
        for weight, replicas in zip(layer.weights, self.weights, strict=True):
            value = ops.convert_to_numpy(replicas).copy()
            value[index] = ops.convert_to_numpy(weight).reshape(replicas.shape[1:])
            replicas.assign(value)

    def _check_replica(self, index):
        num_replicas = self.cell.num_replicas
        if num_replicas is None or not 0 <= index < num_replicas:
            raise ValueError(
                f"`index` must be from 0 to num_replicas - 1. Received: index={index} for "
                f"a layer of num_replicas={num_replicas}"
            )
        if not self.built:
            raise ValueError("The layer has no weights before it is built: call it first")
