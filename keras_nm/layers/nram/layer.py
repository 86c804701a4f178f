"""The layer around the cell of a Neural Random-Access Machine.

Axes: B batch, T time steps, M size of the tape and of the integers, R registers, S slots,
G gates to choose from.
"""

import keras
from keras import ops

from keras_nm.arguments import check_choice, check_finite, check_integer
from keras_nm.layers.choices import SELECTIONS
from keras_nm.layers.machine import MachineLoop, from_machine_config
from keras_nm.layers.nram.cell import NRAMCell
from keras_nm.layers.nram.checks import (
    as_array,
    check_sizes,
    check_steps,
    is_integer_tape,
    poison,
)
from keras_nm.layers.nram.integers import IntegerMachine
from keras_nm.layers.nram.outputs import join_outputs
from keras_nm.layers.replicated import Replicas
from keras_nm.layers.tensors import split
from keras_nm.layers.trace import TraceCell


@keras.saving.register_keras_serializable(package="keras_nm")
class NRAM(IntegerMachine, Replicas, keras.layers.Layer):
    """Neural Random-Access Machine layer (Kurach et al. 2016): from tape to tape.

    Args:
        num_registers: Positive integer, the number of registers R.
        num_steps: Positive integer or `None`, the number of time steps T. A machine that
            has not stopped by then is stopped. With `None` (default), each call gives it.
        controller: A Keras RNN cell or feed-forward layer. Defaults to two hidden ReLU
            layers.
        entropy_weight: `None` (default), or a float. In training, the layer adds this
            number times the mean entropy of the controller's choices, in nats, to the
            loss. A negative number is the paper's bonus (Kurach et al. 2016, appendix B).
            A positive number, late in training, is a penalty that makes choices certain.
            The number is then a weight of the layer, `layer.entropy_weight`, which
            callbacks can change.
        activity_regularizer: Regularizer of the outputs.
        register_loss: Optional, a Keras-serializable function of the tape and of the
            registers after each step `(batch, T, R, M)`. The layer adds its result to the
            loss in training. An example is `keras_nm.training.RegisterTraceLoss`.
        name: String, the layer's name.
        dtype: The layer's dtype policy. The layer computes in at least float32.
        trainable: Boolean.
        **cell_options: The other arguments of `NRAMCell`, which documents them.

    Call arguments:
        tape: Integers from 0 to M - 1 of shape `(batch, M)`, or distributions of shape
            `(batch, M, M)`. The layer corrects sums that differ from 1 by up to 0.02. M
            may differ from call to call.
        num_steps: Optional integer, instead of the layer's own; or an integer tensor, a
            scalar or `(batch,)`, for a number of steps per example. Machines then run in
            a loop of dynamic length, which XLA and the JAX backend cannot compile.
        selection: Optional, `"soft"`, `"straight_through"` or `"discrete"`, instead of
            the layer's own.
        training: Boolean, passed to the controller. If `True`, the layer adds the losses
            of `entropy_weight` and `register_loss`.

    Output:
        A tensor of shape `(batch, M, 2 M + 1)`, one row per cell. Its argmax over the last
        axis is the answer tape. `split_outputs` takes it apart: the first M columns are
        the expected tape, `sum_t p_t tape^(t)`, the next M columns the expected log-tape,
        `sum_t p_t log tape^(t)`, and the last column is minus the expected number of
        steps. Only the first M columns are positive. `keras_nm.training` has losses and
        metrics for it.

    Raises:
        ValueError: For arguments that `NRAMCell` rejects; for a `register_loss` that is
            not a function, or with which training does not know sizes and steps in
            advance; for a tape that holds neither integers in 0..M-1 nor distributions, or
            is too small for a gate. Inside a compiled function, values are not known in
            advance. There, a tape with wrong values raises an error on TensorFlow; under
            XLA and on other backends, it makes all outputs NaN.

    Example:

    >>> import numpy as np, keras_nm
    >>> layer = keras_nm.layers.NRAM(num_registers=4, num_steps=10)
    >>> outputs = layer(np.array([[3, 1, 4, 1, 5, 0]]))
    >>> tuple(outputs.shape)
    (1, 6, 13)
    >>> tuple(outputs.numpy().argmax(-1).shape)
    (1, 6)
    """

    def __init__(
        self,
        num_registers,
        num_steps=None,
        controller=None,
        entropy_weight=None,
        activity_regularizer=None,
        register_loss=None,
        name=None,
        dtype=None,
        trainable=True,
        **cell_options,
    ):
        cell = NRAMCell(num_registers, controller, dtype=dtype, **cell_options)
        super().__init__(
            activity_regularizer=activity_regularizer,
            name=name,
            dtype=cell.dtype_policy,
            trainable=trainable,
        )
        if not self.trainable:
            cell.trainable = False
        if num_steps is not None:
            num_steps = check_integer("num_steps", num_steps)
        self.num_steps = num_steps
        self.cell = cell
        self._loop = _loop_over(cell)
        if register_loss is not None and not callable(register_loss):
            raise ValueError(
                "`register_loss` must be a function of the tape and the registers, such as "
                "keras_nm.training.RegisterTraceLoss('list_k'). "
                f"Received: register_loss={register_loss!r}"
            )
        self.register_loss = register_loss
        if entropy_weight is not None:
            entropy_weight = check_finite("entropy_weight", entropy_weight)
        self.initial_entropy_weight = entropy_weight
        self.entropy_weight = None

    def build(self, tape_shape, num_steps_shape=None):
        if not self.cell.built:
            self.cell.build((None, 1))
            self.cell.built = True
        if self.initial_entropy_weight is not None and self.entropy_weight is None:
            self.entropy_weight = self.add_weight(
                shape=(self.cell.num_replicas or 1,),
                initializer=keras.initializers.Constant(self.initial_entropy_weight),
                trainable=False,
                name="entropy_weight",
            )

    def compute_output_shape(self, tape_shape, num_steps_shape=None):
        batch_size, size = tape_shape[:2]
        return (batch_size, size, None if size is None else 2 * size + 1)

    def compute_output_spec(self, tape, num_steps=None, selection=None, training=False):
        # This is the first chance to reject a model that is built on wrong inputs.
        is_integer_tape(tape)
        if tape.shape[1] is not None:
            check_sizes(tape, self.cell.slots.values())
        if not isinstance(num_steps, keras.KerasTensor):
            self._checked_steps(num_steps, tape.shape[0])
        if selection is not None:
            check_choice("selection", selection, SELECTIONS)
        shape = self.compute_output_shape(tape.shape)
        return keras.KerasTensor(shape, dtype=self.compute_dtype)

    def call(self, tape, num_steps=None, selection=None, training=False):
        tape = as_array(tape)
        shapes = self._shapes_of_losses(tape, num_steps) if training else {}
        traced, states = self._run(tape, num_steps, selection, shapes, training)
        self._add_losses(tape, traced)
        return join_outputs(self.cell.named_states(states))

    def _shapes_of_losses(self, tape, num_steps):
        """Returns the part of `trace_shapes` that the layer's losses need of each step."""
        shapes = {}
        if self.entropy_weight is not None:
            shapes["entropy"] = (1,)
        if self.register_loss is not None:
            steps = self.num_steps if num_steps is None else num_steps
            if tape.shape[1] is None or not isinstance(steps, int):
                raise ValueError(
                    "With a `register_loss`, training takes tapes of known size, and one "
                    "Python integer as the number of steps for all examples. "
                    f"Received: a size of {tape.shape[1]}, num_steps={steps}"
                )
            shapes["registers"] = (self.cell.num_registers, tape.shape[1])
        return shapes

    def _add_losses(self, tape, traced):
        if "entropy" in traced:
            num_replicas = self.entropy_weight.shape[0]
            entropy = ops.mean(ops.reshape(traced["entropy"], (num_replicas, -1)), axis=1)
            self.add_loss(ops.mean(self.entropy_weight * entropy))
        if "registers" in traced:
            self.add_loss(self.register_loss(tape, traced["registers"]))

    def _run(self, tape, num_steps, selection, shapes, training=False):
        """Runs the machine.

        Args:
            tape: As for a call.
            num_steps: As for a call.
            selection: As for a call.
            shapes: Dict from the tensors to trace to their shapes per step.
            training: As for a call.

        Returns:
            A dict of the traced tensors, `(B, T, *shape)`, and the last states.
        """
        if selection is not None:
            check_choice("selection", selection, SELECTIONS)
        states = self.cell.initial_states(tape)
        num_steps, valid = self._checked_steps(num_steps, tape.shape[0])
        must_stop = self._must_stop(num_steps, valid, ops.shape(states[0])[0])
        if not shapes and selection in (None, self.cell.selection):
            _, *states = self._loop(must_stop, initial_state=states, training=training)
            return {}, states
        # Run the same cell with another selection or with more outputs.
        shapes = shapes or {"stopping_mass": (1,)}
        loop = _loop_over(TraceCell(self.cell, shapes, {"selection": selection}))
        first = ops.repeat(states[0], loop.cell.output_size, axis=-1)
        outputs, _, *states = loop(
            must_stop, initial_state=[first, *states], training=training
        )
        return split(outputs, shapes), states

    def _must_stop(self, num_steps, valid, batch_size):
        """Returns a tensor `(B, T, 1)` that is 1 from each example's last step on."""
        last = ops.reshape(ops.cast(num_steps, "int32"), (-1, 1)) - 1  # (B or 1, 1)
        length = ops.maximum(ops.max(last) + 1, 1)
        length = num_steps if isinstance(num_steps, int) else length
        must_stop = ops.cast(ops.arange(length)[None, :] >= last, self.compute_dtype)
        must_stop = ops.broadcast_to(poison(must_stop, valid), (batch_size, length))
        return must_stop[:, :, None]

    def _checked_steps(self, num_steps, batch_size):
        num_steps = self.num_steps if num_steps is None else num_steps
        if num_steps is None:
            raise ValueError(
                "An NRAM needs `num_steps`. Give it to the layer, NRAM(..., num_steps=10), "
                "or to the call, layer(tape, num_steps=10). Received: num_steps=None"
            )
        return check_steps(num_steps, batch_size)

    def trace(self, tape, num_steps=None, selection=None):
        """Runs the layer and returns a record of everything it does at every step.

        Args:
            tape: Integers `(B, M)` or distributions `(B, M, M)`, of known M.
            num_steps: As in a call of the layer.
            selection: As in a call of the layer.

        Returns:
            A dict of tensors. The last axis of a distribution is M:

            - `"tape"` `(B, T + 1, M, M)` and `"registers"` `(B, T + 1, R, M)` before each
              step and after the last;
            - `"arguments"` `(B, T, S, 2, M)` and `"outputs"` `(B, T, S, M)` of the gates,
              with zeros for arguments that a gate does not take;
            - `"argument_selection"` `(B, T, S, 2, R + S)` and `"register_selection"`
              `(B, T, R, R + S)`, the weights of the registers and of the outputs; with
              `num_slots` also `"gate_selection"` `(B, T, S, G)`;
            - `"stop"` `(B, T, 1)`, the willingness to stop f_t, and `"stopping_mass"`
              `(B, T, 1)`, the probability p_t of stopping after this step.

            `keras_nm.programs.execution_table` prints it.

        Raises:
            ValueError: As for a call of the layer.

        Example:

        >>> import numpy as np, keras_nm
        >>> layer = keras_nm.layers.NRAM(num_registers=4, num_steps=10)
        >>> trace = layer.trace(np.array([[3, 1, 4, 1, 5, 0]]))
        >>> tuple(trace["registers"].shape)
        (1, 11, 4, 6)
        """
        tape = as_array(tape)
        if not self.built:
            self.build(tape.shape)
        size = tape.shape[1]
        if size is None:
            raise ValueError("`trace` takes tapes of known size. Received: a size of None")
        shapes = self.cell.trace_shapes(size)
        trace, _ = self._run(tape, num_steps, selection, shapes)
        start = self.cell.named_states(self.cell.initial_states(tape))
        for name in ("tape", "registers"):
            trace[name] = ops.concatenate([start[name][:, None], trace[name]], axis=1)
        return trace

    def get_config(self):
        config = super().get_config()
        config["num_steps"] = self.num_steps
        config["entropy_weight"] = self.initial_entropy_weight
        config["activity_regularizer"] = keras.regularizers.serialize(
            self.activity_regularizer
        )
        config["register_loss"] = keras.saving.serialize_keras_object(self.register_loss)
        return {**self.cell.get_config(), **config}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        register_loss = keras.saving.deserialize_keras_object(
            config.get("register_loss"), custom_objects=custom_objects
        )
        config = {**config, "register_loss": register_loss}
        return from_machine_config(cls, config, custom_objects)


def _loop_over(cell):
    return MachineLoop(
        cell, return_sequences=True, return_state=True, dtype=cell.dtype_policy
    )
