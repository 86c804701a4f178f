"""The gates of the Neural Random-Access Machine (Kurach et al. 2016, section 3).

A gate is a function of integers mod M. It has two forms, side by side: one for integers,
and one for distributions over them. The second is the sum over all pairs that equation 2
of the paper defines, rearranged so that no table of M^3 entries is built.

Axes: B batch, M size of the tape and of the integers. A tape is `(B, M, M)`, the
distribution of every cell, or `(B, M)` in integers.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from keras import ops

from keras_nm.arguments import check_choice, check_integer
from keras_nm.layers.gradients import with_gradient

_TAKEN = ("", "r", "registers", "gates", "stop")


@dataclass(frozen=True)
class Gate:
    """One gate, in both forms.

    Args:
        name: The gate's name in lists, programs and traces. Its last character must not
            be a digit, because digits count the repetitions of a gate. `"r"`,
            `"registers"`, `"gates"` and `"stop"` are reserved.
        num_arguments: 0, 1 or 2.
        fuzzy: `fuzzy(tape, *arguments)`, a function in `keras.ops` from the tape
            `(B, M, M)` and distributions `(B, M)` to a distribution `(B, M)`.
        integer: `integer(xp, tape, *arguments)`, a function from the tape `(B, M)` and
            integers `(B,)` to integers `(B,)`. `xp` is `numpy` or `keras.ops`, which use
            the same names for their functions.
        min_size: The smallest M for which the gate is defined.
        writes: Whether the machine stores the second argument in the cell that the first
            argument points to.

    Raises:
        ValueError: For an invalid name or number of arguments.

    Example, a gate of your own:

    >>> import keras_nm
    >>> from keras_nm.layers import gates
    >>> double = gates.Gate(
    ...     "DOUBLE",
    ...     num_arguments=1,
    ...     fuzzy=lambda tape, a: gates.GATES["ADD"].fuzzy(tape, a, a),
    ...     integer=lambda xp, tape, a: 2 * a % xp.shape(tape)[1],
    ... )

    This gate does not double an uncertain `a`: equation 2 treats the two arguments of ADD
    as independent. `register_gate(double)` would make its name known to layers.
    """

    name: str
    num_arguments: int
    fuzzy: Callable[..., Any]
    integer: Callable[..., Any]
    min_size: int = 1
    writes: bool = False

    def __post_init__(self):
        if not isinstance(self.name, str) or self.name in _TAKEN or self.name[-1].isdigit():
            raise ValueError(
                "A gate's `name` must be a string that does not end with a digit and is "
                f"none of {_TAKEN}. Received: name={self.name!r}"
            )
        check_integer("num_arguments", self.num_arguments, minimum=0)
        check_integer("min_size", self.min_size)
        if self.num_arguments > 2 or (self.writes and self.num_arguments < 2):
            raise ValueError(
                "A gate takes at most 2 arguments, and exactly 2 if it writes. "
                f"Received: num_arguments={self.num_arguments}, writes={self.writes}"
            )


GATES: dict[str, Gate] = {}


def register_gate(gate: Gate) -> Gate:
    """Makes a gate known by its name to layers, programs and saved files.

    Args:
        gate: A `Gate`.

    Returns:
        The gate.

    Raises:
        ValueError: If another gate has this name.

    Example:

    >>> from keras_nm.layers import NRAM, gates
    >>> zero_to_one = gates.Gate(
    ...     "ZERO-TO-ONE",
    ...     num_arguments=1,
    ...     fuzzy=lambda tape, a: gates.GATES["MAX"].fuzzy(
    ...         tape, a, gates.GATES["ONE"].fuzzy(tape)
    ...     ),
    ...     integer=lambda xp, tape, a: xp.maximum(a, xp.ones_like(a)),
    ...     min_size=2,
    ... )
    >>> zero_to_one = gates.register_gate(zero_to_one)
    >>> layer = NRAM(num_registers=2, gates=["READ", "ZERO-TO-ONE", "WRITE"])
    """
    if GATES.get(gate.name, gate) is not gate:
        raise ValueError(
            f"A gate of the name {gate.name!r} already exists. Choose another name"
        )
    GATES[gate.name] = gate
    return gate


def slots_of(
    gates: Sequence[str], gate_repeats: int = 1, num_slots: int | None = None
) -> dict[str, list[Gate]]:
    """Returns the slots of a time step, in order.

    Args:
        gates: Names of registered gates. A name may occur more than once.
        gate_repeats: The number of times that a step runs the list.
        num_slots: `None`, or a number of slots. The controller then chooses a gate of the
            list for each slot, and `gate_repeats` must be 1.

    Returns:
        A dict from the name of each slot to the gates to choose from: one gate, unless
        `num_slots` is given. The slot of the first gate READ is `"READ"`, that of the
        second is `"READ2"`.

    Raises:
        ValueError: For an empty list, an unknown gate, or a number below 1.

    Example:

    >>> list(slots_of(["READ", "WRITE"], gate_repeats=2))
    ['READ', 'WRITE', 'READ2', 'WRITE2']
    >>> list(slots_of(["READ", "WRITE"], num_slots=3))
    ['slot1', 'slot2', 'slot3']
    """
    if isinstance(gates, str) or not isinstance(gates, Sequence) or not gates:
        raise ValueError(
            "`gates` must be a list of names, such as ['READ', 'INC', 'WRITE']. "
            f"Received: gates={gates!r}"
        )
    check_integer("gate_repeats", gate_repeats)
    for name in gates:
        check_choice("gates", name, GATES)
    if num_slots is None:
        numbered = number_gates(list(gates) * gate_repeats)
        return {name: [gate] for name, gate in numbered.items()}
    check_integer("num_slots", num_slots)
    if gate_repeats != 1:
        raise ValueError(
            "With `num_slots`, the controller chooses the gate of every slot, so "
            f"`gate_repeats` must be 1. Received: gate_repeats={gate_repeats}"
        )
    choices = [GATES[name] for name in gates]
    return {f"slot{index + 1}": choices for index in range(num_slots)}


def number_gates(names: Sequence[str]) -> dict[str, Gate]:
    """Gives every gate of a list its own name: READ, READ2, READ3."""
    numbered = {}
    for index, name in enumerate(names):
        count = names[: index + 1].count(name)
        numbered[name if count == 1 else f"{name}{count}"] = GATES[name]
    return numbered


def kind_of(name: str) -> str:
    """Returns the registered name of a gate from its name in a list: READ for READ2."""
    return name.rstrip("0123456789")


def read(tape, pointer):
    """Reads a tape `(B, M, M)` at a fuzzy pointer `(B, M)`, and returns `(B, M)`."""
    return ops.squeeze(ops.matmul(pointer[:, None, :], tape), axis=1)  # (B, M)


def write(tape, pointer, value):
    """Stores a value at a pointer, both `(B, M)`, and returns the new tape `(B, M, M)`.

    `tape := (1 - p) tape + p a^T`, row by row (section 3.2, footnote 2).
    """
    pointer = pointer[:, :, None]  # (B, M, 1)
    return (1 - pointer) * tape + pointer * value[:, None, :]  # (B, M, M)


def run_gate(gate, tape, arguments):
    """Returns the output of a gate `(B, M)`, and the tape after it."""
    output = gate.fuzzy(tape, *arguments)
    return output, write(tape, *arguments) if gate.writes else tape


def run_mixture(gates, weights, tape, arguments):
    """Does the same for an average of gates, with weights `(B, G)`."""
    outputs = [gate.fuzzy(tape, *arguments[: gate.num_arguments]) for gate in gates]
    output = ops.einsum("bg,bgm->bm", weights, ops.stack(outputs, axis=1))
    writing = np.array([gate.writes for gate in gates])
    if writing.any():
        pointer, value = arguments
        pointer = pointer * ops.sum(ops.where(writing, weights, 0), axis=-1, keepdims=True)
        tape = write(tape, pointer, value)
    return output, tape


def _constant(value):
    def fuzzy(tape):
        batch_size, size = ops.shape(tape)[:2]
        one_hot = ops.one_hot(value, size, dtype=tape.dtype)  # (M,)
        return ops.broadcast_to(one_hot, (batch_size, size))  # (B, M)

    return fuzzy, lambda xp, tape: xp.full_like(tape[:, 0], value)  # (B,)


def _truth(false, true):
    """Makes the fuzzy form of a comparison from the terms of the sums P(0) and P(1)."""

    def fuzzy(tape, a, b):
        # P(0) is not 1 - P(1), which may round to below 0. Both parts are (B, 1).
        parts = [ops.sum(f(a, b), axis=-1, keepdims=True) for f in (false, true)]
        return ops.concatenate([*parts, ops.zeros_like(a[:, 2:])], axis=-1)  # (B, M)

    return fuzzy


def _at_most(a):
    """Returns P(A <= c) for every c, `(B, M)`."""
    return ops.cumsum(a, axis=-1)


def _less(a, b):
    """Returns P(A < B, B = c) for every c but 0, `(B, M - 1)`."""
    return _at_most(a)[:, :-1] * b[:, 1:]


def _fuzzy_max(tape, a, b):
    return a * _at_most(b) + ops.pad(_less(a, b), [[0, 0], [1, 0]])


def _fuzzy_min(tape, a, b):
    # The smallest of two is the largest if one counts backwards, from M - 1 to 0.
    a, b = ops.flip(a, axis=-1), ops.flip(b, axis=-1)
    return ops.flip(_fuzzy_max(tape, a, b), axis=-1)


def _correlate(a, b):
    """Returns the sums over j of a[(c + j) mod M] b[j], for every c, `(B, M)`."""
    batch_size, size = ops.shape(a)
    # A matrix whose entry (c, j) is a[(c + j) mod M], made without a gather.
    rotations = ops.reshape(ops.tile(a, (1, size + 1)), (batch_size, size, size + 1))
    rotations = rotations[:, :, :-1]  # (B, M, M)
    return ops.squeeze(ops.matmul(rotations, b[:, :, None]), axis=-1)  # (B, M)


def _convolve(a, b):
    """Returns the sums over j of a[(c - j) mod M] b[j], for every c, `(B, M)`."""
    return _correlate(a, ops.roll(ops.flip(b, axis=-1), 1, axis=-1))


def _bilinear(forward, gradient_of_a, gradient_of_b):
    """Makes the fuzzy form of a gate from its forward function and its two gradients.

    Each gradient is a function of the output's gradient and of the other argument.
    """

    # The gradients of circular sums are circular sums. Automatic differentiation would sum
    # a matrix (B, M, M) along its diagonals, which takes several times as long.
    def apply(a, b):
        def gradient(upstream):
            (d_output,) = upstream
            return gradient_of_a(d_output, b), gradient_of_b(d_output, a)

        return forward(a, b), gradient

    return lambda tape, a, b: with_gradient(apply, a, b)


_fuzzy_add = _bilinear(_convolve, _correlate, _correlate)
_fuzzy_subtract = _bilinear(_correlate, _convolve, lambda x, a: _correlate(a, x))


def _integer_read(xp, tape, pointer):
    return xp.take_along_axis(tape, pointer[:, None], axis=1)[:, 0]


def _modulo(xp, tape, a):
    """Returns `a % M` for `a` of at least -M, even where % is a remainder, as in ONNX."""
    size = xp.shape(tape)[1]
    return (a + size) % size


for _gate in [
    Gate("READ", 1, read, _integer_read),
    Gate("ZERO", 0, *_constant(0)),
    Gate("ONE", 0, *_constant(1), min_size=2),
    Gate("TWO", 0, *_constant(2), min_size=3),
    Gate(
        "INC",
        1,
        lambda tape, a: ops.roll(a, 1, axis=-1),
        lambda xp, tape, a: (a + 1) % xp.shape(tape)[1],
    ),
    Gate("ADD", 2, _fuzzy_add, lambda xp, tape, a, b: (a + b) % xp.shape(tape)[1]),
    Gate("SUB", 2, _fuzzy_subtract, lambda xp, tape, a, b: _modulo(xp, tape, a - b)),
    Gate(
        "DEC",
        1,
        lambda tape, a: ops.roll(a, -1, axis=-1),
        lambda xp, tape, a: _modulo(xp, tape, a - 1),
    ),
    Gate(
        "LESS-THAN",
        2,
        _truth(lambda a, b: a * _at_most(b), _less),
        lambda xp, tape, a, b: xp.where(a < b, xp.ones_like(a), xp.zeros_like(a)),
        min_size=2,
    ),
    Gate(
        "LESS-OR-EQUAL",
        2,
        _truth(lambda a, b: _less(b, a), lambda a, b: _at_most(a) * b),
        lambda xp, tape, a, b: xp.where(a <= b, xp.ones_like(a), xp.zeros_like(a)),
        min_size=2,
    ),
    Gate(
        "EQUALITY",
        2,
        _truth(lambda a, b: _less(a, b) + _less(b, a), lambda a, b: a * b),
        lambda xp, tape, a, b: xp.where(a == b, xp.ones_like(a), xp.zeros_like(a)),
        min_size=2,
    ),
    Gate(
        "MIN",
        2,
        _fuzzy_min,
        lambda xp, tape, a, b: xp.minimum(a, b),
    ),
    Gate(
        "MAX",
        2,
        _fuzzy_max,
        lambda xp, tape, a, b: xp.maximum(a, b),
    ),
    Gate(
        "WRITE",
        2,
        lambda tape, pointer, value: value,
        lambda xp, tape, pointer, value: value,
        writes=True,
    ),
]:
    register_gate(_gate)

DEFAULT_GATES = tuple(GATES)
"""The paper's 14 gates in the paper's order, in which only registers can feed READ."""

# In other implementations, WRITE outputs 0 instead of the value that it wrote.
register_gate(
    Gate(
        "WRITE-RETURNING-ZERO",
        2,
        lambda tape, pointer, value: GATES["ZERO"].fuzzy(tape),
        lambda xp, tape, pointer, value: xp.zeros_like(value),
        writes=True,
    )
)
