"""Checks the inputs of a Neural Random-Access Machine: tapes and numbers of steps.

Where values are known, they are checked at once. Inside a compiled function they are not
known. There, TensorFlow checks them when it runs. XLA drops such checks and other backends
have none, so a wrong tape also makes everything computed from it NaN.
"""

from numbers import Integral

import keras
import numpy as np
from keras import ops

from keras_nm.arguments import check_integer
from keras_nm.keras_internals import in_symbolic_scope

# Distributions of half precision may be off by this much.
_TOLERANCE = 0.02


def is_integer_tape(tape):
    """Returns whether a tape holds integers `(B, M)`, and not distributions `(B, M, M)`.

    Args:
        tape: Tensor or array, possibly symbolic.

    Raises:
        ValueError: If it holds neither.
    """
    shape = tuple(tape.shape)
    dtype = keras.backend.standardize_dtype(tape.dtype)
    whole_numbers = "int" in dtype
    square = len(shape) == 3 and (shape[1] == shape[2] or None in shape[1:])
    if not (whole_numbers and len(shape) == 2) and not ("float" in dtype and square):
        advice = ""
        if "float" in dtype and len(shape) == 2:
            advice = ". For integers, use an integer dtype, such as dtype='int32'"
        raise ValueError(
            "A tape must be integers of shape (batch, M), or float distributions of "
            f"shape (batch, M, M). Received: {dtype} of shape {shape}{advice}"
        )
    return whole_numbers


def check_tape(tape):
    """Checks that a tape holds integers in 0..M-1, or distributions over them.

    Args:
        tape: Tensor or array, `(B, M)` or `(B, M, M)`.

    Returns:
        Whether the values are valid: `True`, or a boolean tensor.

    Raises:
        ValueError: If they are known to be invalid, or if the shape or dtype is wrong.
    """
    if isinstance(tape, keras.KerasTensor):
        raise ValueError(
            "Expected a tape that has values, in eager mode or inside a compiled function. "
            f"Received: symbolic {tape}: call an NRAM layer on it to build a model"
        )
    whole_numbers = is_integer_tape(tape)
    values = _known(tape)
    if whole_numbers:
        if values is None:
            below = ops.less(tape, ops.shape(tape)[1])
            valid = ops.all(ops.logical_and(tape >= 0, below))
            return _at_run_time(valid, "The cells of a tape hold integers from 0 to M - 1")
        size = values.shape[1]
        if values.size and (values.min() < 0 or values.max() >= size):
            raise ValueError(
                f"The cells of a tape of size {size} hold integers from 0 to {size - 1}. "
                f"Received: integers from {values.min()} to {values.max()}"
            )
        return True
    if values is None:
        sums = ops.sum(tape, axis=-1)
        valid = ops.all(tape >= -_TOLERANCE) & ops.all(ops.abs(sums - 1) <= _TOLERANCE)
        return _at_run_time(
            valid, "The cells of a fuzzy tape are distributions over 0..M-1"
        )
    sums = values.sum(axis=-1)
    if not (np.all(values >= -_TOLERANCE) and np.all(np.abs(sums - 1) <= _TOLERANCE)):
        raise ValueError(
            "The cells of a fuzzy tape must be distributions, with values of at least 0 "
            f"that sum to 1. Received: a smallest value of {values.min()}, and sums from "
            f"{sums.min()} to {sums.max()}"
        )
    return True


def check_sizes(tape, slots):
    """Checks that a tape is large enough for all gates.

    Args:
        tape: Tensor or array, `(B, M)` or `(B, M, M)`.
        slots: Iterable of lists of gates.

    Returns:
        Whether it is: `True`, or a boolean tensor.

    Raises:
        ValueError: If M is known and too small.
    """
    gate = max((gate for gates in slots for gate in gates), key=lambda gate: gate.min_size)
    size = tape.shape[1]
    message = f"{gate.name} needs a tape of at least {gate.min_size} cells"
    if size is None:
        return _at_run_time(ops.shape(tape)[1] >= gate.min_size, message)
    if size < gate.min_size:
        raise ValueError(
            f"{message}. Received: a tape of shape {tuple(tape.shape)}. Use a longer tape, "
            "or leave the gate out of `gates`"
        )
    return True


def as_array(tape):
    """Returns a tape, as an array if it is a list."""
    return np.array(tape) if isinstance(tape, (list, tuple)) else tape


def check_registers(registers, num_registers, tape):
    """Checks registers that hold integers.

    Args:
        registers: Tensor or array.
        num_registers: Integer R.
        tape: Tensor or array `(B, M)`.

    Returns:
        Whether they are `(B, R)` in 0..M-1: `True`, or a boolean tensor.

    Raises:
        ValueError: If they are known not to be.
    """
    shape = tuple(registers.shape)
    dtype = keras.backend.standardize_dtype(registers.dtype)
    if "int" not in dtype or len(shape) != 2 or shape[1] != num_registers:
        raise ValueError(
            f"`registers` must be integers of shape (batch, {num_registers}). Received: "
            f"{dtype} of shape {shape}"
        )
    if None not in (shape[0], tape.shape[0]) and shape[0] != tape.shape[0]:
        raise ValueError(
            f"Every tape needs registers. Received: {tape.shape[0]} tapes and registers of "
            f"shape {shape}"
        )
    values = _known(registers)
    size = tape.shape[1]
    if values is None or size is None:
        size = ops.shape(tape)[1]
        valid = ops.all(ops.logical_and(registers >= 0, ops.less(registers, size)))
        return _at_run_time(valid, "Registers hold integers from 0 to M - 1")
    if values.size and (values.min() < 0 or values.max() >= size):
        raise ValueError(
            f"With a tape of size {size}, registers hold integers from 0 to {size - 1}. "
            f"Received: integers from {values.min()} to {values.max()}"
        )
    return True


def check_steps(num_steps, batch_size):
    """Checks a number of steps.

    Args:
        num_steps: Integer, or integer tensor or array, a scalar or `(B,)`.
        batch_size: Integer, or `None` if it is not known.

    Returns:
        The number, and whether it is valid: `True`, or a boolean tensor.

    Raises:
        ValueError: If it is known not to be an integer of at least 1.
    """
    if isinstance(num_steps, (list, tuple)):
        num_steps = np.array(num_steps)
    if isinstance(num_steps, Integral) or not hasattr(num_steps, "shape"):
        return check_integer("num_steps", num_steps), True
    dtype = keras.backend.standardize_dtype(num_steps.dtype)
    shape = tuple(num_steps.shape)
    fits = not shape or (len(shape) == 1 and None in (shape[0], batch_size))
    if "int" not in dtype or not (fits or shape == (batch_size,)):
        raise ValueError(
            "`num_steps` must be an integer, or integers of shape (batch,). Received: "
            f"{dtype} of shape {shape}, with a batch of {batch_size}"
        )
    values = _known(num_steps)
    if values is None:
        valid = ops.all(ops.greater_equal(num_steps, 1))
        return num_steps, _at_run_time(valid, "`num_steps` must be at least 1")
    if np.any(values < 1):
        raise ValueError(f"`num_steps` must be at least 1. Received: {values}")
    return num_steps, True


def fuzzy_tape(tape, dtype):
    """Returns a tape as distributions `(B, M, M)` that sum to 1."""
    tape = ops.convert_to_tensor(tape)
    if len(tape.shape) == 3:
        tape = ops.maximum(ops.cast(tape, dtype), 0)
        return tape / ops.sum(tape, axis=-1, keepdims=True)
    return ops.cast(ops.equal(tape[:, :, None], ops.arange(ops.shape(tape)[1])), dtype)


def poison(x, valid):
    """Returns a tensor, which is all NaN unless it is valid."""
    if valid is True:
        return x
    return ops.where(valid, x, float("nan"))


def _known(tape):
    """Returns the values of a tape as an array, or `None` inside a compiled function."""
    if isinstance(tape, np.ndarray):
        return tape
    if in_symbolic_scope():  # tensors are all ones here on some backends
        return None
    try:
        return ops.convert_to_numpy(tape)
    except (NotImplementedError, TypeError, ValueError):
        # TensorFlow and JAX raise these for a tensor that is being compiled and has no
        # values yet. The caller then has the values checked when it runs.
        return None


def _at_run_time(valid, message):
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.debugging.Assert(valid, [message])
    return valid
