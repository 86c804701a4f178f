"""The layer of a Neural GPU.

Axes: B batch, N positions, W width, M maps.
"""

import keras
from keras import ops

from keras_nm.arguments import (
    check_choice,
    check_fraction,
    check_integer,
    check_not_negative,
    check_positive,
)
from keras_nm.keras_internals import mask_of
from keras_nm.layers.machine import at_least_float32, from_machine_config
from keras_nm.layers.neural_gpu import steps, weight_sets
from keras_nm.layers.quantization import quantization_of
from keras_nm.layers.random_numbers import uniform

# The parts of a cell, and what their biases are at first.
_BIASES = {
    "diagonal": {"reset": 0.5, "update": 0.7, "candidate": 0.0},
    "cutoff": {"reset": 1.0, "update": 1.0, "candidate": 0.0},
}
# From this length on, the dropout of the cut-off form falls as the number of steps grows.
_FULL_DROPOUT_LENGTH = 8


@keras.saving.register_keras_serializable(package="keras_nm")
class NeuralGPU(keras.layers.Layer):
    """Neural GPU layer (Kaiser and Sutskever 2016): from tokens to as many answers.

    The tokens become a state of vectors, one for each position. Then the same gated
    convolution runs over the whole state, as many times as there are tokens. A linear map
    of the last state is the answer (section 2). No weight depends on the length, so the
    layer runs on sequences of any length.

    Only the input says how long a sequence is: where an answer is longer than its question,
    give it room with a token for empty places. Positions after the end of a sequence have a
    state of 0, and each example runs for its own number of steps. So padding changes
    nothing.

    There are two published forms:

    ====================================  =====================================
    form                                  arguments
    ====================================  =====================================
    diagonal (Freivalds and Liepins       `dropout=0.1`,
    2017, arXiv 1702.08727)               `saturation_weight=1e-3`
    cut off (Kaiser and Sutskever 2016,   `gate="cutoff"`, `num_maps=24`,
    arXiv 1511.08228)                     `width=4`, `cells_per_step=2`,
                                          `dropout=0.1`, `num_weight_sets=6`,
                                          `pull=5e-4`
    ====================================  =====================================

    In the diagonal form, the state `s` becomes `g shift(s) + (1 - g) c`. The gates are
    `g = hs(conv(s))` and `r = hs(conv(s))`, and the candidate is `c = ht(conv(r s))`, with
    `hs(x) = clip(x / 2 + 1 / 2, 0, 1)` and `ht(x) = clip(x, -1, 1)`. Each convolution has
    its own weights. `shift` moves two thirds of the maps by a position, one third in each
    direction. Dropout acts on the first state and on all candidates.

    In the cut-off form, the state becomes `u s + (1 - u) c`. The gates are
    `u = cs(conv(s))` and `r = cs(conv(s))`, and the candidate is `c = tanh(conv(r s))`,
    with `cs(x) = clip(1.2 sigmoid(x) - 0.1, 0, 1)`, the gate cutoff of section 3.3. Dropout
    acts on the whole state, at a rate of `dropout` times 8 / length for more than eight
    tokens, as in the authors' code.

    Args:
        units: Positive integer, the dimensionality of the output: a logit per class.
        num_maps: Positive integer, the size of a position's vector. Defaults to `96`.
        num_symbols: Positive integer, the number of different tokens, with the 0 of the
            padding. It is needed for integers, and not for vectors. Defaults to `None`.
        gate: `"diagonal"` (default) or `"cutoff"`.
        width: Positive integer. With more than 1, each position has so many vectors side by
            side, the first of which holds the input and the output. Defaults to `1`.
        kernel_size: Odd integer, how many positions a convolution sees, and with a width of
            more than 1 also how many vectors side by side. Defaults to `3`.
        cells_per_step: Positive integer, the number of gated convolutions in a step, each
            with its own weights. Defaults to `1`.
        dropout: Float from 0 to below 1. Defaults to `0.0`.
        saturation_weight: `None` (default) or a positive float, for the diagonal form. In
            training, the layer adds this number times the saturation cost to the loss: by
            how much the absolute values of pre-activations exceed `saturation_limit`,
            summed over all maps, and averaged over positions and steps. The number is then
            a weight of the layer, `layer.saturation_weight`, which the callback
            `SaturationSchedule` changes.
        saturation_limit: Positive float. Defaults to `0.9`.
        num_weight_sets: Positive integer. With R sets, step t uses the set t mod R. This is
            parameter sharing relaxation (section 3.3). The paper begins with 6 sets, and
            `pull` makes them equal. Defaults to `1`.
        pull: Non-negative float, the relaxation pull. In training, the layer adds this
            number times the squared distances of the sets from their mean to the loss. With
            several sets, the number is a weight of the layer, `layer.pull`, which the
            callback `PullSchedule` changes. Defaults to `0.0`.
        kernel_initializer: Initializer of the convolutions. Defaults to
            `"glorot_uniform"`.
        **kwargs: Arguments of `keras.layers.Layer`, such as `name` and `dtype`. The layer
            computes in at least float32.

    Call arguments:
        inputs: Integers of shape `(batch, length)`, where 0 is padding; or vectors of shape
            `(batch, length, symbols)`, such as one-hot ones, where zeros are padding.
        mask: Optional booleans of shape `(batch, length)`, which positions are not padding,
            instead of what the inputs say.
        training: Boolean. If `True`, there is dropout, and the layer adds its losses.

    Output:
        A tensor of shape `(batch, length, units)`.

    Raises:
        ValueError: For arguments out of range, a saturation cost in the cut-off form, a
            pull without several sets, and inputs of other shapes or dtypes.

    Example:

    >>> import numpy as np, keras_nm
    >>> layer = keras_nm.layers.NeuralGPU(3, num_maps=24, num_symbols=4)
    >>> logits = layer(np.array([[1, 2, 3, 1, 1], [2, 3, 2, 0, 0]]))
    >>> tuple(logits.shape)
    (2, 5, 3)
    """

    def __init__(
        self,
        units,
        num_maps=96,
        num_symbols=None,
        gate="diagonal",
        width=1,
        kernel_size=3,
        cells_per_step=1,
        dropout=0.0,
        saturation_weight=None,
        saturation_limit=0.9,
        num_weight_sets=1,
        pull=0.0,
        kernel_initializer="glorot_uniform",
        **kwargs,
    ):
        kwargs["dtype"] = at_least_float32(kwargs.get("dtype"))
        super().__init__(**kwargs)
        self.supports_masking = True
        self.units = check_integer("units", units)
        self.num_maps = check_integer("num_maps", num_maps)
        if num_symbols is not None:
            num_symbols = check_integer("num_symbols", num_symbols)
        self.num_symbols = num_symbols
        self.gate = check_choice("gate", gate, _BIASES)
        self.width = check_integer("width", width)
        self.kernel_size = check_integer("kernel_size", kernel_size)
        if self.kernel_size % 2 == 0:
            raise ValueError(
                "`kernel_size` must be odd, so that a position is in the middle of those "
                f"that it sees. Received: kernel_size={kernel_size}"
            )
        self.cells_per_step = check_integer("cells_per_step", cells_per_step)
        self.dropout = check_fraction("dropout", dropout)
        if saturation_weight is not None:
            saturation_weight = check_positive("saturation_weight", saturation_weight)
            if gate != "diagonal":
                raise ValueError(
                    "Only the diagonal form has a saturation cost. Leave "
                    "`saturation_weight` out, or set gate='diagonal'. Received: "
                    f"saturation_weight={saturation_weight}, gate={gate!r}"
                )
        self.initial_saturation_weight = saturation_weight
        self.saturation_limit = check_positive("saturation_limit", saturation_limit)
        self.num_weight_sets = check_integer("num_weight_sets", num_weight_sets)
        self.initial_pull = check_not_negative("pull", pull)
        if self.initial_pull and self.num_weight_sets == 1:
            raise ValueError(
                "`pull` makes several sets of weights equal. Set `num_weight_sets`, or "
                f"leave `pull` out. Received: num_weight_sets=1, pull={pull}"
            )
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.saturation_weight = self.saturation_cost = self.pull = None

        self.embedding = None
        if self.gate == "cutoff":
            self.embedding = self._linear_map(
                "embedding",
                self.num_maps,
                use_bias=False,
                kernel_initializer=keras.initializers.RandomUniform(-1.7, 1.7),
            )
        self.input_map = self._linear_map("input_map", self.num_maps)
        self.output_map = self._linear_map("output_map", self.units)
        self._seed_generator = keras.random.SeedGenerator()

    def _linear_map(self, name, units, **options):
        layer = keras.layers.Dense(units, dtype=self.dtype_policy, name=name, **options)
        if not self.trainable:
            layer.trainable = False
        return layer

    def build(self, input_shape):
        num_symbols = self._num_symbols(tuple(input_shape))
        if self.embedding is not None:
            self.embedding.build((None, num_symbols))
        self.input_map.build(
            (None, num_symbols if self.embedding is None else self.num_maps)
        )
        self.output_map.build((None, self.num_maps))
        draw = weight_sets.drawn_apart(self.kernel_initializer)
        self._cells = [self._add_cell(index, draw) for index in range(self.cells_per_step)]
        if self.initial_saturation_weight is not None:
            self.saturation_weight = self._add_number(
                "saturation_weight", self.initial_saturation_weight
            )
            # Each device of a strategy writes its own.
            self.saturation_cost = keras.Variable(
                keras.initializers.Zeros(),
                shape=(),
                dtype=self.variable_dtype,
                trainable=False,
                aggregation="mean",
                synchronization="on_read",
                name="saturation_cost",
            )
        if self.num_weight_sets > 1:
            self.pull = self._add_number("pull", self.initial_pull)

    def _num_symbols(self, shape):
        if len(shape) == 2 and self.num_symbols is not None:
            return self.num_symbols
        if len(shape) == 3 and shape[2] is not None:
            return shape[2]
        raise ValueError(
            "A NeuralGPU takes vectors of shape (batch, length, symbols), or integers of "
            "shape (batch, length) with their number, NeuralGPU(..., num_symbols=4). "
            f"Received: inputs of shape {shape}, num_symbols={self.num_symbols}"
        )

    def _add_cell(self, index, draw):
        """Makes the weights of a cell, as in `weight_sets`."""
        maps, side = self.num_maps, 1 if self.width == 1 else self.kernel_size
        kernel_shape = (self.num_weight_sets, self.kernel_size, side, maps, maps)
        return [
            (
                self.add_weight(
                    shape=kernel_shape, initializer=draw, name=f"{part}_kernel_{index}"
                ),
                self.add_weight(
                    shape=(self.num_weight_sets, maps),
                    initializer=keras.initializers.Constant(bias),
                    name=f"{part}_bias_{index}",
                ),
            )
            for part, bias in _BIASES[self.gate].items()
        ]

    def _add_number(self, name, value):
        return self.add_weight(
            shape=(),
            initializer=keras.initializers.Constant(value),
            trainable=False,
            name=name,
            aggregation="mean",
        )

    def _check_dtype(self, inputs):
        dtype = keras.backend.standardize_dtype(inputs.dtype)
        if len(inputs.shape) == 2 and "int" not in dtype:
            raise ValueError(
                "Tokens must be integers, such as those of keras.Input((None,), "
                f"dtype='int32'). Received: inputs of dtype {dtype}"
            )

    # Keras passes a mask on only if it is given by name.
    def compute_output_spec(self, inputs, *, mask=None, training=False):
        # This is the first chance to reject a model that is built on wrong inputs.
        self._check_dtype(inputs)
        shape = self.compute_output_shape(inputs.shape)
        return keras.KerasTensor(shape, dtype=self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:2], self.units)

    def compute_mask(self, inputs, previous_mask=None):
        if previous_mask is not None:
            return previous_mask
        is_symbol = ops.not_equal(inputs, 0)
        return is_symbol if len(inputs.shape) == 2 else ops.any(is_symbol, axis=-1)

    def call(self, inputs, *, mask=None, training=False):
        real = self._real(inputs, mask)
        start = self._start(inputs, real, training)
        step = self._step_function(real, training)
        state, cost = _repeat(step, start, ops.shape(real)[1])
        if training:
            self._add_losses(cost)
        return self._answer(state)

    def _real(self, inputs, mask):
        """Returns a tensor `(B, N, 1, 1)` that is 1 at positions, and 0 at padding."""
        self._check_dtype(inputs)
        real = ops.cast(self.compute_mask(inputs, mask), self.compute_dtype)
        return real[:, :, None, None]

    def _start(self, inputs, real, training):
        """Returns the first state `(B, N, W, M)`, and its saturation cost `(B,)`."""
        if len(inputs.shape) == 2:
            inputs = ops.one_hot(inputs, self.num_symbols, dtype=self.compute_dtype)
        if self.embedding is not None:
            state = self.input_map(ops.tanh(self.embedding(inputs)))[:, :, None]
            return self._with_columns(state) * real, ops.zeros_like(real[:, 0, 0, 0])
        vectors = self.input_map(inputs)[:, :, None]  # (B, N, 1, M)
        state = ops.clip(vectors, -1, 1)
        if training and self.dropout:
            state = state * self._noise(ops.shape(state), self.dropout)
        # It counts as much as each of the steps.
        cost = self._saturation([vectors], real) * ops.sum(real, axis=(1, 2, 3))
        return self._with_columns(state) * real, cost

    def _with_columns(self, state):
        """Returns a state of one column `(B, N, 1, M)` with further columns of zeros."""
        return ops.pad(state, [[0, 0], [0, 0], [0, self.width - 1], [0, 0]])

    def _step_function(self, real, training):
        """Returns the function of a step, from `(time, (state, cost))` to the new pair.

        All that does not depend on the state is made here, before the loop.
        """
        convolution = getattr(steps, self.gate)
        lengths = ops.sum(real, axis=(1, 2, 3))  # (B,)
        weights = [weight_sets.matrices(cell) for cell in self._cells]
        noises = self._noises(real, lengths) if training and self.dropout else None
        measures = training and self.saturation_weight is not None

        def step(time, state_and_cost):
            state, cost = state_and_cost
            is_running = ops.cast(time, lengths.dtype) < lengths  # (B,)
            new, pre_activations = state, []
            for index, of_sets in enumerate(weights):
                of_set = [
                    [x[time % self.num_weight_sets] for x in pair] for pair in of_sets
                ]
                noise = None if noises is None else noises(time, index)
                new, more = convolution(new, of_set, self.kernel_size, noise)
                new = new * real
                pre_activations += more
            if measures:
                cost = cost + ops.where(
                    is_running, self._saturation(pre_activations, real), 0
                )
            return ops.where(is_running[:, None, None, None], new, state), cost

        return step

    def _noises(self, real, lengths):
        """Draws the dropout of all steps. Returns a function of the step and the cell."""
        batch_size, length = ops.shape(real)[:2]
        shape = (batch_size, length, self.width, self.num_maps)
        if self.gate == "diagonal":
            noise = self._noise((length, self.cells_per_step, *shape), self.dropout)
            return lambda time, cell: noise[time, cell]
        full = _FULL_DROPOUT_LENGTH / ops.maximum(lengths, _FULL_DROPOUT_LENGTH)
        noise = self._noise((length, *shape), self.dropout * full[:, None, None, None])
        return lambda time, cell: None if cell else noise[time]

    def _noise(self, shape, rate):
        """Draws what dropout multiplies with: 0 at the given rate, and otherwise more."""
        is_kept = uniform(shape, self._seed_generator) >= ops.cast(rate, "float32")
        return ops.cast(is_kept, self.compute_dtype) / (1 - rate)

    def _saturation(self, pre_activations, real):
        """Returns the saturation cost of each example, `(B,)`, per position and step."""
        excess = sum(
            ops.sum(ops.relu(ops.abs(x) - self.saturation_limit) * real, axis=(1, 2, 3))
            for x in pre_activations
        )
        return excess / ops.square(ops.maximum(ops.sum(real, axis=(1, 2, 3)), 1))

    def _add_losses(self, costs):
        if self.saturation_weight is not None:
            cost = ops.mean(costs)
            self.saturation_cost.assign(cost)
            self.add_loss(self.saturation_weight * cost)
        if self.pull is not None:
            self.add_loss(self.pull * weight_sets.distance(self._cells))

    def merge_weight_sets(self):
        """Replaces all sets of weights by their mean. Call it on a built layer."""
        weight_sets.merge(self._cells)

    def _answer(self, state):
        """Returns the logits `(..., N, units)` of a state `(..., N, W, M)`."""
        return self.output_map(state[..., 0, :])

    def step(self, inputs, state, time, mask=None):
        """Runs one step, for programs that want to see each.

        Args:
            inputs: As for a call.
            state: Tensor `(B, N, W, M)`, as the step before returned it. Its values have no
                meaning at time 0.
            time: Integer or scalar tensor, the number of steps before this one.
            mask: As for a call.

        Returns:
            The logits after this step `(B, N, units)`, and the new state.
        """
        if not self.built:
            self.build(inputs.shape)
        mask = mask_of(inputs) if mask is None else mask
        real = self._real(inputs, mask)
        start, cost = self._start(inputs, real, training=False)
        state = ops.where(ops.equal(time, 0), start, state)
        state, _ = self._step_function(real, training=False)(time, (state, cost))
        return self._answer(state), state

    def trace(self, inputs, mask=None):
        """Runs the layer and returns a record of everything it does at every step.

        Args:
            inputs: As for a call, of known length.
            mask: As for a call.

        Returns:
            A dict of tensors, before the first step and after each: `"state"`
            `(B, N + 1, N, W, M)`, and `"output"` `(B, N + 1, N, units)`, what the answer
            would be. After its own last step an example stays as it is.

        Raises:
            ValueError: As for a call, and for inputs of unknown length.

        Example:

        >>> import numpy as np, keras_nm
        >>> layer = keras_nm.layers.NeuralGPU(3, num_maps=24, num_symbols=4)
        >>> trace = layer.trace(np.array([[1, 2, 3, 1, 1]]))
        >>> tuple(trace["state"].shape)
        (1, 6, 5, 1, 24)
        """
        mask = mask_of(inputs) if mask is None else mask
        inputs = ops.convert_to_tensor(inputs)
        if not self.built:
            self.build(inputs.shape)
        if inputs.shape[1] is None:
            raise ValueError(
                "`trace` takes inputs of known length. Received: inputs of shape "
                f"{tuple(inputs.shape)}"
            )
        real = self._real(inputs, mask)
        state, cost = self._start(inputs, real, training=False)
        step = self._step_function(real, training=False)
        states = [state]
        for time in range(inputs.shape[1]):
            state, cost = step(time, (state, cost))
            states.append(state)
        states = ops.stack(states, axis=1)
        return {"state": states, "output": self._answer(states)}

    def get_config(self):
        config = {
            "units": self.units,
            "num_maps": self.num_maps,
            "num_symbols": self.num_symbols,
            "gate": self.gate,
            "width": self.width,
            "kernel_size": self.kernel_size,
            "cells_per_step": self.cells_per_step,
            "dropout": self.dropout,
            "saturation_weight": self.initial_saturation_weight,
            "saturation_limit": self.saturation_limit,
            "num_weight_sets": self.num_weight_sets,
            "pull": self.initial_pull,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }
        quantization = quantization_of(self)
        if quantization:
            config["quantization"] = quantization
        return {**super().get_config(), **config}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        return from_machine_config(cls, config, custom_objects)


def _repeat(step, state, length):
    """Runs a step many times, from `(time, state)` to the new state."""
    if keras.backend.backend() != "tensorflow":
        return ops.fori_loop(0, length, step, state)

    import tensorflow as tf

    _, state = tf.while_loop(
        lambda time, _: time < length,
        lambda time, state: (time + 1, step(time, state)),
        (0, state),
        maximum_iterations=length,  # without which XLA has no gradient
    )
    return state
