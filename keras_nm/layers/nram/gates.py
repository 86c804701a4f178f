"""The gates of the Neural Random-Access Machine (Kurach et al. 2016, section 3).

A gate is a function of integers mod M, in two forms side by side: for integers, and for
distributions over them, which is the sum over all pairs that equation 2 of the paper
defines, worked out so that no table of M^3 entries is built.

Axes: B batch, M size of the tape and of the integers. A tape is `(B, M, M)`, the
distribution of every cell, or `(B, M)` in integers.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from keras import ops

from keras_nm.arguments import check_choice, check_integer
from keras_nm.layers.gradients import with_gradient

_TAKEN = ("", "r", "registers", "gates", "stop")


@dataclass(frozen=True)
class Gate:
    """One gate, in both its forms.

    Args:
        name: What the gate is called in lists, programs and traces. Its last character
            is no digit: digits count the repetitions of a gate. `"r"`, `"registers"`,
            `"gates"` and `"stop"` are taken.
        num_arguments: 0, 1 or 2.
        fuzzy: `fuzzy(tape, *arguments)` from the tape `(B, M, M)` and distributions
            `(B, M)` to a distribution `(B, M)`, in `keras.ops`.
        integer: `integer(xp, tape, *arguments)` from the tape `(B, M)` and integers
            `(B,)` to integers `(B,)`. `xp` is `numpy` or `keras.ops`, which name their
            functions alike.
        min_size: The smallest M for which the gate is defined.
        writes: Whether the machine stores the second argument in the cell to which the
            first argument points.

    Raises:
        ValueError: For a name or number of arguments that cannot be.

    Example, a gate of one's own:

    >>> import keras_nm
    >>> from keras_nm.layers import gates
    >>> double = gates.Gate(
    ...     "DOUBLE",
    ...     num_arguments=1,
    ...     fuzzy=lambda tape, a: gates.GATES["ADD"].fuzzy(tape, a, a),
    ...     integer=lambda xp, tape, a: 2 * a % xp.shape(tape)[1],
    ... )

    That is not the double of an uncertain `a`: equation 2 takes the two arguments of ADD
    for independent. `register_gate(double)` would make its name known to layers.
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
                "A gate's `name` must be a string that does not end with a digit, and none "
                f"of {_TAKEN}. Received: name={self.name!r}"
            )
        check_integer("num_arguments", self.num_arguments, minimum=0)
        check_integer("min_size", self.min_size)
        if self.num_arguments > 2 or (self.writes and self.num_arguments < 2):
            raise ValueError(
                "A gate takes at most 2 arguments, and 2 if it writes. "
                f"Received: num_arguments={self.num_arguments}, writes={self.writes}"
            )


GATES: dict[str, Gate] = {}


def register_gate(gate: Gate) -> Gate:
    """Makes a gate known by its name, to layers, programs and saved files.

    Args:
        gate: A `Gate`.

    Returns:
        The gate.

    Raises:
        ValueError: If there is another gate of this name.

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
        raise ValueError(f"There is a gate of the name {gate.name!r} already")
    GATES[gate.name] = gate
    return gate


def slots_of(
    gates: Sequence[str], gate_repeats: int = 1, num_slots: int | None = None
) -> dict[str, list[Gate]]:
    """What a time step runs, slot after slot.

    Args:
        gates: Names of registered gates. A name may occur more than once.
        gate_repeats: How many times the list is run.
        num_slots: `None`, or a number of slots for each of which a gate of the list is
            chosen. `gate_repeats` must then be 1.

    Returns:
        A dict from the name of each slot to the gates to choose from: one, unless there
        are `num_slots`. The slot of a first gate READ is `"READ"`, of a second `"READ2"`.

    Raises:
        ValueError: For an empty list, an unknown gate and numbers below 1.

    Example:

    >>> list(slots_of(["READ", "WRITE"], gate_repeats=2))
    ['READ', 'WRITE', 'READ2', 'WRITE2']
    >>> list(slots_of(["READ", "WRITE"], num_slots=3))
    ['slot1', 'slot2', 'slot3']
    """
    if isinstance(gates, str) or not gates:
        raise ValueError(f"`gates` must be a list of names. Received: gates={gates!r}")
    check_integer("gate_repeats", gate_repeats)
    for name in gates:
        check_choice("gates", name, GATES)
    if num_slots is None:
        numbered = number_gates(list(gates) * gate_repeats)
        return {name: [gate] for name, gate in numbered.items()}
    check_integer("num_slots", num_slots)
    if gate_repeats != 1:
        raise ValueError(
            "With `num_slots` the gate of every slot is chosen, so `gate_repeats` must be "
            f"1. Received: gate_repeats={gate_repeats}"
        )
    choices = [GATES[name] for name in gates]
    return {f"slot{index + 1}": choices for index in range(num_slots)}


def number_gates(names: Sequence[str]) -> dict[str, Gate]:
    """Gives every gate of a list a name of its own: READ, READ2, READ3."""
    numbered = {}
    for index, name in enumerate(names):
        count = names[: index + 1].count(name)
        numbered[name if count == 1 else f"{name}{count}"] = GATES[name]
    return numbered


def kind_of(name: str) -> str:
    """The registered name of a gate from that in a list: READ for READ2."""
    return name.rstrip("0123456789")


def read(tape, pointer):
    """What a fuzzy pointer `(B, M)` finds on a tape `(B, M, M)`: `(B, M)`."""
    return ops.squeeze(ops.matmul(pointer[:, None, :], tape), axis=1)


def write(tape, pointer, value):
    """Stores a value at a pointer, both `(B, M)`: a new tape `(B, M, M)`.

    `tape := (1 - p) tape + p a^T`, row by row (section 3.2, footnote 2).
    """
    pointer = pointer[:, :, None]
    return (1 - pointer) * tape + pointer * value[:, None, :]


def _is(value, like):
    """The distribution of a constant, `(1, M)`, with the size and dtype of `like`."""
    return ops.cast(ops.arange(ops.shape(like)[-1]) == value, like.dtype)[None, :]


def _constant(value):
    return (
        lambda tape: _is(value, tape) + ops.zeros_like(tape[:, 0]),
        lambda xp, tape: xp.full_like(tape[:, 0], value),
    )


def _truth(false, true):
    """The distribution of a truth value from the terms of the sums P(0) and P(1)."""

    def fuzzy(tape, a, b):
        # Not 1 - P(1), which may round to below 0.
        parts = [ops.sum(f(a, b), axis=-1, keepdims=True) for f in (false, true)]
        return _is(0, a) * parts[0] + _is(1, a) * parts[1]

    return fuzzy


def _at_most(a):
    """P(A <= c) for every c."""
    return ops.cumsum(a, axis=-1)


def _at_least(a):
    """P(A >= c) for every c."""
    return ops.flip(ops.cumsum(ops.flip(a, axis=-1), axis=-1), axis=-1)


def _less(a):
    """P(A < c) for every c. Not P(A <= c) - P(A = c), which may round to below 0."""
    return ops.pad(_at_most(a)[:, :-1], [[0, 0], [1, 0]])


def _greater(a):
    """P(A > c) for every c."""
    return ops.pad(_at_least(a)[:, 1:], [[0, 0], [0, 1]])


def _correlate(a, b):
    """The sums over j of a[(c + j) mod M] b[j], for every c."""
    batch_size, size = ops.shape(a)
    # The matrix (B, M, M) whose entry (c, j) is a[(c + j) mod M], without a gather.
    rotations = ops.reshape(ops.tile(a, (1, size + 1)), (batch_size, size, size + 1))
    rotations = rotations[:, :, :-1]
    return ops.squeeze(ops.matmul(rotations, b[:, :, None]), axis=-1)


def _convolve(a, b):
    """The sums over j of a[(c - j) mod M] b[j], for every c."""
    return _correlate(a, ops.roll(ops.flip(b, axis=-1), 1, axis=-1))


def _bilinear(forward, gradient_of_a, gradient_of_b):
    """A gate from its form and from its gradients, as functions of what comes back."""

    # The gradients of circular sums are circular sums. Left to itself, the backward pass
    # would sum a matrix (B, M, M) along its diagonals, which takes several times as long.
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
    """What `a % M` is, for an `a` of at least -M, also where % is a remainder: in ONNX."""
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
        _truth(lambda a, b: _at_least(a) * b, lambda a, b: _less(a) * b),
        lambda xp, tape, a, b: xp.where(a < b, xp.ones_like(a), xp.zeros_like(a)),
        min_size=2,
    ),
    Gate(
        "LESS-OR-EQUAL",
        2,
        _truth(lambda a, b: _greater(a) * b, lambda a, b: _at_most(a) * b),
        lambda xp, tape, a, b: xp.where(a <= b, xp.ones_like(a), xp.zeros_like(a)),
        min_size=2,
    ),
    Gate(
        "EQUALITY",
        2,
        _truth(lambda a, b: (_less(a) + _greater(a)) * b, lambda a, b: a * b),
        lambda xp, tape, a, b: xp.where(a == b, xp.ones_like(a), xp.zeros_like(a)),
        min_size=2,
    ),
    Gate(
        "MIN",
        2,
        lambda tape, a, b: a * _at_least(b) + _greater(a) * b,
        lambda xp, tape, a, b: xp.minimum(a, b),
    ),
    Gate(
        "MAX",
        2,
        lambda tape, a, b: a * _at_most(b) + _less(a) * b,
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
"""The paper's 14 gates in the paper's order: READ can only be fed by registers."""

# Other implementations let WRITE put out 0 instead of what it wrote.
register_gate(
    Gate(
        "WRITE-RETURNING-ZERO",
        2,
        lambda tape, pointer, value: GATES["ZERO"].fuzzy(tape),
        lambda xp, tape, pointer, value: xp.zeros_like(value),
        writes=True,
    )
)
