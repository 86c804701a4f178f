"""What the pictures of random-access machines say."""

import keras
import numpy as np
import pytest

from keras_nm.layers import NRAM
from keras_nm.plots import circuit_picture, execution_picture, machine_picture, num_frames
from keras_nm.programs import PROGRAMS, Circuit, Program

# From the head at 6 two hops along the list, 6 -> 8 -> 4: cell 3 becomes the value 7.
TAPE = np.array([[6, 2, 3, 0, 0, 7, 8, 9, 4, 5]])
LIST_K = PROGRAMS["list_k"]


def texts(axes):
    return [text.get_text() for text in axes.texts]


def rows(axes):
    """The numbers that stand beside each other, by the labels of their rows."""
    by_height = {}
    for text in axes.texts:
        x, y = text.get_position()
        by_height.setdefault(round(y, 3), []).append((x, text.get_text()))
    lines = [[word for _, word in sorted(row)] for _, row in sorted(by_height.items())]
    return {line[0]: line[1:] for line in lines}


@pytest.fixture(scope="module")
def soft_trace():
    """The trace of the program in the weights of a machine."""
    layer = NRAM(LIST_K.num_registers, gate_repeats=LIST_K.gate_repeats)
    trace = LIST_K.into_layer(layer).trace(TAPE, num_steps=9)
    return {name: x.numpy() for name, x in trace.items()}


def test_the_execution_of_a_program():
    figure = execution_picture(LIST_K.trace(TAPE, num_steps=20), LIST_K)
    table, *circuits = figure.axes
    # By hand: r1 walks 7, 9, 5 along the values of the nodes, r2 counts 2, 1, 0.
    expected = {
        "1": "6 2 3 0 0 7 8 9 4 5 0 0 A",
        "2": "6 2 3 0 0 7 8 9 4 5 7 2 C",
        "3": "6 2 3 0 0 7 8 9 4 5 9 1 C",
        "4": "6 2 3 0 0 7 8 9 4 5 5 0 B",
        "end": "6 2 3 7 0 7 8 9 4 5 5 0",
    }
    found = rows(table)
    assert {label: " ".join(found[label]) for label in expected} == expected
    assert [texts(axes)[0] for axes in circuits] == [
        "A: r1 = 0",
        "B: r1 > 0 and r2 = 0, then stop",
        "C: r2 > 0",
    ]
    # Colored: what changed, which is both registers three times and one cell.
    colored = [patch for patch in table.patches if patch.get_facecolor()[0] < 0.99]
    assert len(colored) == 7


def test_a_soft_machine_is_drawn_until_it_has_stopped(soft_trace):
    figure = execution_picture(soft_trace, LIST_K)
    found = rows(figure.axes[0])
    assert found["end"] == ["6", "2", "3", "7", "0", "7", "8", "9", "4", "5", "5", "0"]
    assert [found[str(step)][-1] for step in range(1, 5)] == [
        "0.00",
        "0.00",
        "0.00",
        "1.00",
    ]
    assert "5" not in found


def test_uncertain_numbers_are_faint_and_half_changes_light():
    trace = {
        "tape": np.array([[np.eye(3), [[1, 0, 0], [0.4, 0.6, 0], [0.5, 0.5, 0]]]]),
        "registers": np.array([[[[1, 0, 0]], [[1, 0, 0]]]]),
        "stopping_mass": np.array([[[1.0]]]),
    }
    axes = execution_picture(trace).axes[0]
    found = rows(axes)
    assert found["end"][:4] == ["0", "1", "0", "0"]
    cells = [patch for patch in axes.patches if patch.get_width() < 0.4][4:]
    amounts = np.array([1 - patch.get_facecolor()[0] for patch in cells])
    # Of all probability, 0, 40 %, 100 % and 0 were moved.
    np.testing.assert_allclose(amounts / max(amounts), [0, 0.4, 1, 0], atol=1e-6)
    end = axes.texts[-1].get_position()[1]
    last_row = sorted({text.get_position()[1] for text in axes.texts} - {end})[-1]
    numbers = [text for text in axes.texts if text.get_position()[1] == last_row][1:]
    shades = [float(text.get_color()) for text in numbers]
    np.testing.assert_allclose(shades, [0, 0.3, 0.375, 0], atol=1e-6)  # of 1, 0.6, 0.5, 1


def test_a_frame_shows_the_past_and_the_values_in_the_circuit(soft_trace):
    figure = execution_picture(soft_trace, LIST_K, time=2)
    table, circuit = figure.axes
    found = rows(table)
    assert "3" in found
    assert "4" not in found
    # r1 = 9 points behind the next pointer, DEC finds it, READ2 reads 4, INC2 5.
    assert texts(circuit) == [
        *("C: r2 > 0", "r1", "9", "r2", "1"),
        *("DEC", "8", "READ2", "4", "INC2", "5", "DEC2", "0"),
        *("r1", "5", "r2", "0"),
    ]
    size = figure.get_size_inches()
    for time in (0, 1, 3, 4):
        other = execution_picture(soft_trace, LIST_K, time=time)
        assert np.array_equal(other.get_size_inches(), size)
    assert len(other.axes) == 1  # in the end nothing runs


def test_a_frame_is_of_its_example():
    program = PROGRAMS["access"]
    layer = program.into_layer(NRAM(2, num_steps=2))
    trace = layer.trace(np.array([[3, 1, 4, 2, 0], [2, 1, 4, 2, 0]]))
    # The second step reads where the pointer of the second tape points.
    _, circuit = execution_picture(trace, program, example=1, time=1).axes
    assert texts(circuit)[1:] == ["r1", "2", "r2", "0", "READ", "4", "WRITE", "4"]


def test_a_machine_counts_as_stopped_when_that_is_certain():
    trace = {
        "tape": np.array([[np.eye(2), np.eye(2), np.eye(2)[::-1]]]),
        "registers": np.array([[[[1, 0]], [[1, 0]], [[1, 0]]]]),
        "stopping_mass": np.array([[[0.6], [0.4]]]),
    }
    assert list(rows(execution_picture(trace).axes[0]))[-3:-1] == ["2", "end"]


def test_changes_are_those_of_the_step_before():
    """The first cell is changed and then left alone."""
    trace = {
        "tape": np.array([[[0, 1], [1, 1], [1, 1]]]),
        "registers": np.zeros((1, 3, 1), int),
        "num_steps": np.array([2]),
    }
    patches = execution_picture(trace).axes[0].patches
    colored = [patch.get_facecolor()[0] < 0.99 for patch in patches]
    assert colored == [False] * 3 + [True, False, False] + [False] * 3


def test_the_first_argument_comes_from_above():
    """SUB(r1, r2): lines end at the box of SUB, and that from r1 ends higher up."""
    circuit = Circuit({"SUB": ["r1", "r2"]}, registers=["SUB", "r2"])
    program = Program(2, [("**", circuit)])
    [axes] = circuit_picture(program).axes
    places = {text.get_text(): text.get_position() for text in axes.texts[1:4]}
    lines = [patch.get_path().vertices for patch in axes.patches if not patch.get_fill()]
    ends = {}
    for line in lines:
        start, end = line[0], line[-1]
        for name in ("r1", "r2"):
            if len(line) > 3 and abs(start[1] - places[name][1]) < 1e-6:
                ends.setdefault(name, end)
    # Downwards is larger.
    assert ends["r1"][1] < places["SUB"][1] < ends["r2"][1]


@pytest.mark.parametrize("count", [3, pytest.param(20, marks=pytest.mark.slow)])
def test_lines_keep_clear_of_boxes(count):
    for seed in range(count):
        keras.utils.set_random_seed(seed)
        layer = NRAM(4, num_steps=1)
        layer.build((None, None))
        for axes in circuit_picture(Program.from_layer(layer)).axes:
            boxes = [p.get_bbox() for p in axes.patches if p.get_fill()]
            for patch in axes.patches:
                path = patch.get_path()
                if patch.get_fill() or len(path.vertices) == 3:
                    continue
                [points] = path.interpolated(1).to_polygons(closed_only=False)
                for x, y in points:
                    for box in boxes:
                        inside_x = box.x0 + 0.01 < x < box.x1 - 0.01
                        inside_y = box.y0 + 0.01 < y < box.y1 - 0.01
                        assert not (inside_x and inside_y)


def test_circuits_of_some_patterns():
    patterns = LIST_K.trace(TAPE, num_steps=1)["patterns"]
    [axes] = circuit_picture(LIST_K, patterns).axes
    assert texts(axes) == ["always", "r1", "READ", "ONE", "INC", "READ2", "r1", "r2"]


def test_a_machine_is_drawn_with_its_program():
    layer = NRAM(2, num_steps=2)
    PROGRAMS["access"].into_layer(layer)
    tape = np.array([[3, 1, 4, 2, 0], [2, 1, 4, 2, 0]])
    trace = layer.trace(tape)
    figure = machine_picture(layer, trace, tape, layer(tape), example=1)
    assert rows(figure.axes[0])["end"][:5] == ["4", "1", "4", "2", "0"]
    assert len(figure.axes) == 3
    assert num_frames(layer, trace) == 3
    with pytest.raises(IndexError):
        machine_picture(layer, trace, tape, layer(tape), example=2)
