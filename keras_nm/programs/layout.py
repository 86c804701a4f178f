"""Places the parts of a circuit for drawing, from left to right as values flow."""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass

from keras_nm.programs.circuit import Circuit, register_names

# How many orders of the columns to try.
_SWEEPS = 12


@dataclass(frozen=True)
class Node:
    """A part of a circuit.

    Args:
        name: The part's name in the circuit, such as `"r1"` or `"READ2"`.
        kind: `"register"`, `"gate"`, or `"next"`, a register after the step.
        column: Integer. Values only flow to higher columns.
        row: Float. Nodes in one column are at least 1 apart; 0 is the middle.
    """

    name: str
    kind: str
    column: int
    row: float


@dataclass(frozen=True)
class Edge:
    """A value on its way from one node to another.

    Args:
        source: Index of the node that the value comes from.
        target: Index of the node that takes it.
        argument: Index of the target's argument, counted from 0.
        num_arguments: The number of arguments that the target takes.
        path: The points `(column, row)` that the line passes, one in each column,
            including the points of both nodes. They keep clear of other nodes.
    """

    source: int
    target: int
    argument: int
    num_arguments: int
    path: tuple[tuple[int, float], ...]


def layout(circuit: Circuit) -> tuple[list[Node], list[Edge]]:
    """Places the parts of a circuit so that few lines cross.

    The registers that the circuit uses are on the left. A gate is to the right of all its
    sources. The registers that change are on the right, with their new contents.

    Args:
        circuit: A `Circuit` without idle gates, such as those of `Program.circuits`.

    Returns:
        The list of nodes and the list of edges.

    Example:

    >>> from keras_nm.programs import Circuit
    >>> from keras_nm.programs.layout import layout
    >>> step = Circuit({"READ": ["r1"], "INC": ["r1"]}, registers=["INC", "READ"])
    >>> nodes, edges = layout(step)
    >>> [(node.name, node.column) for node in nodes]
    [('r1', 0), ('READ', 1), ('INC', 1), ('r1', 2), ('r2', 2)]
    """
    registers = register_names(len(circuit.registers))
    inputs = {("gate", name): _keys(arguments) for name, arguments in circuit.gates}
    for name, source in zip(registers, circuit.registers, strict=True):
        if source != name:
            inputs["next", name] = _keys([source])
    used = {source for sources in inputs.values() for source in sources}
    first = [("register", name) for name in registers if ("register", name) in used]
    columns = _columns(first, inputs)

    # A line has a place in each column that it passes, as if it were a node there.
    levels = [[] for _ in range(1 + max(columns.values(), default=0))]
    for key in [*first, *inputs]:
        levels[columns[key]].append(key)
    paths = {}
    links = {}  # from a place and a side to the places there and offsets from their middle
    for target, sources in inputs.items():
        for argument, source in enumerate(sources):
            path = [source]
            for column in range(columns[source] + 1, columns[target]):
                passing = ("line", source, column)  # shared by all lines of a source
                if passing not in levels[column]:
                    levels[column].append(passing)
                path.append(passing)
            path.append(target)
            paths[target, argument] = path
            # The first argument arrives above the second.
            port = 0.3 * (argument - (len(sources) - 1) / 2)
            for left, right in itertools.pairwise(path):
                links.setdefault((right, "left"), []).append((left, 0.0))
                offset = port if right == target else 0.0
                links.setdefault((left, "right"), []).append((right, offset))
    rows = _rows(levels, links)

    keys = [*first, *inputs]
    nodes = [Node(key[1], key[0], columns[key], rows[key]) for key in keys]
    column_of = {key: column for column, level in enumerate(levels) for key in level}
    edges = [
        Edge(
            keys.index(path[0]),
            keys.index(target),
            argument,
            len(inputs[target]),
            tuple((column_of[key], rows[key]) for key in path),
        )
        for (target, argument), path in paths.items()
    ]
    return nodes, edges


def _keys(sources: Iterable[str]):
    """Returns sources as pairs of kind and name: only registers are named r plus digits."""
    return [
        ("register" if name[:1] == "r" and name[1:].isdigit() else "gate", name)
        for name in sources
    ]


def _columns(first, inputs):
    """Puts registers in column 0, gates after their sources, and new registers last."""
    columns = dict.fromkeys(first, 0)
    for key, sources in inputs.items():
        columns[key] = 1 + max((columns[source] for source in sources), default=0)
    last = 1 + max((c for (kind, _), c in columns.items() if kind != "next"), default=0)
    for key in inputs:
        if key[0] == "next":
            columns[key] = last
    # A constant has no sources, so it goes right before the first gate that takes it.
    for key, sources in inputs.items():
        takers = [columns[taker] for taker, taken in inputs.items() if key in taken]
        if not sources and takers:
            columns[key] = min(takers) - 1
    return columns


def _rows(levels, links):
    """Orders each column by the middle of its neighbours, in sweeps back and forth.

    The sweeps do not converge, so the order with the fewest crossings is used.
    """
    rows = {}
    for level in levels:
        rows.update(_spread(level, dict.fromkeys(level, 0.0)))
    tried = []
    for sweep in range(_SWEEPS):
        side = ("left", "right")[sweep % 2]
        for level in levels if side == "left" else reversed(levels):
            wanted = {}
            for key in level:
                beside = [rows[other] + off for other, off in links.get((key, side), [])]
                wanted[key] = sum(beside) / len(beside) if beside else rows[key]
            order = sorted(level, key=lambda key: (wanted[key], rows[key]))
            rows.update(_spread(order, wanted))
        tried.append((_crossings(levels, links, rows), -sweep, dict(rows)))
    return min(tried)[2]


def _crossings(levels, links, rows):
    """Counts the pairs of lines that change sides between two columns."""
    count = 0
    for level in levels:
        lines = [
            (rows[left], rows[right] + offset)
            for left in level
            for right, offset in links.get((left, "right"), [])
        ]
        for (a, b), (c, d) in itertools.combinations(lines, 2):
            count += (a - c) * (b - d) < 0
    return count


def _spread(order, wanted):
    """Returns the rows nearest to the wanted ones, in this order and at least 1 apart.

    This is isotonic regression: nodes that want the same place form a block around the
    mean of the places that they want.
    """
    blocks = []  # pairs of the sum of wanted first rows and the number of nodes
    for index, key in enumerate(order):
        total, size = wanted[key] - index, 1
        while blocks and blocks[-1][0] / blocks[-1][1] > total / size:
            last_total, last_size = blocks.pop()
            total, size = total + last_total, size + last_size
        blocks.append((total, size))
    starts = [total / size for total, size in blocks for _ in range(size)]
    return {
        key: start + index
        for index, (key, start) in enumerate(zip(order, starts, strict=True))
    }
