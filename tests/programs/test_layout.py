"""Circuits are laid out so that they can be read from left to right."""

import itertools

import pytest

from keras_nm.programs import PROGRAMS, Circuit
from keras_nm.programs.layout import layout

CIRCUITS = {
    (name, pattern): program.circuits[pattern]
    for name, program in PROGRAMS.items()
    for pattern in program.reachable_patterns()
}


def crossings(edges):
    """How many pairs of lines change sides between two columns, by trying all."""
    pieces = {piece for edge in edges for piece in itertools.pairwise(edge.path)}
    return sum(
        a[0][0] == b[0][0] and (a[0][1] - b[0][1]) * (a[1][1] - b[1][1]) < 0
        for a, b in itertools.combinations(pieces, 2)
    )


def test_all_that_a_circuit_does_is_drawn():
    for circuit in CIRCUITS.values():
        nodes, edges = layout(circuit)
        names = [f"r{i + 1}" for i in range(len(circuit.registers))]
        moved = [
            (name, source)
            for name, source in zip(names, circuit.registers, strict=True)
            if name != source
        ]
        gates = [node.name for node in nodes if node.kind == "gate"]
        assert gates == [name for name, _ in circuit.gates]
        following = [node.name for node in nodes if node.kind == "next"]
        assert following == [name for name, _ in moved]
        drawn = {
            (nodes[e.target].kind, nodes[e.target].name, e.argument): nodes[e.source].name
            for e in edges
        }
        expected = {
            ("gate", name, index): source
            for name, arguments in circuit.gates
            for index, source in enumerate(arguments)
        }
        expected |= {("next", name, 0): source for name, source in moved}
        assert drawn == expected
        registers = {node.name for node in nodes if node.kind == "register"}
        assert registers == set(expected.values()) & set(names)


def test_lines_run_from_left_to_right_and_nothing_overlaps():
    for circuit in CIRCUITS.values():
        nodes, edges = layout(circuit)
        places = {(node.column, node.row) for node in nodes}
        assert len(places) == len(nodes)
        for edge in edges:
            source, target = nodes[edge.source], nodes[edge.target]
            assert edge.path[0] == (source.column, source.row)
            assert edge.path[-1] == (target.column, target.row)
            columns = [column for column, _ in edge.path]
            assert columns == list(range(source.column, target.column + 1))
            assert len(columns) > 1
            places |= set(edge.path)
        rows = {}
        for column, row in places:
            rows.setdefault(column, []).append(row)
        for column in rows.values():
            for above, below in itertools.pairwise(sorted(column)):
                assert below - above > 0.999


def test_new_registers_are_on_the_right_and_constants_beside_their_gates():
    circuit = Circuit(
        {"READ": ["r1"], "ONE": [], "INC": ["READ"], "ADD": ["INC", "ONE"]},
        registers=["READ", "ADD", "r3"],
    )
    nodes, edges = layout(circuit)
    columns = {(node.kind, node.name): node.column for node in nodes}
    assert columns == {
        ("register", "r1"): 0,
        ("gate", "READ"): 1,
        ("gate", "INC"): 2,
        ("gate", "ONE"): 2,
        ("gate", "ADD"): 3,
        ("next", "r1"): 4,
        ("next", "r2"): 4,
    }
    # READ's content passes beside INC and ADD.
    passing = [e for e in edges if nodes[e.target].kind == "next" and len(e.path) == 4]
    assert [nodes[edge.source].name for edge in passing] == ["READ"]


def test_lines_do_not_cross_where_they_need_not():
    crossed = Circuit({}, registers=["r3", "r1", "r2", "r5", "r4"])
    _, edges = layout(crossed)
    assert crossings(edges) == 0
    for (name, pattern), circuit in CIRCUITS.items():
        _, edges = layout(circuit)
        assert crossings(edges) <= 4, (name, pattern)


@pytest.mark.parametrize("circuit", [Circuit({}, ["r1", "r2"]), Circuit({}, [], stop=True)])
def test_a_circuit_that_does_nothing_has_nothing_to_draw(circuit):
    assert layout(circuit) == ([], [])
