"""What the pictures of stacks and tapes show."""

import keras
import numpy as np
import pytest
from in_figures import panels, shown

from keras_nm.layers import NTM, StackRNN, TapeRNN
from keras_nm.plots import machine_picture, num_frames, stack_picture, tape_picture
from keras_nm.plots.tapes import head_positions

STEPS = 5


def names(axes):
    return [axes.yaxis.get_major_formatter()(row, None) for row in range(4)]


@pytest.fixture
def stacks(rng):
    contents = np.zeros((STEPS, 2, 9, 3))
    contents[:, :, :4] = rng.normal(size=(STEPS, 2, 4, 3))
    return {
        "actions": rng.dirichlet(np.ones(3), (STEPS, 2)),
        "pushed_values": rng.normal(size=(STEPS, 2, 3)),
        "stacks": contents,
    }


def test_stacks_are_shown_to_one_below_the_last_value(rng, stacks):
    inputs, outputs = rng.random((STEPS, 4)), rng.random((STEPS, 2))
    found = panels(stack_picture(inputs, outputs, stacks))
    assert list(found) == [
        *("Inputs", "Outputs"),
        *("Actions, stack 1", "Values to push, stack 1"),
        *("Actions, stack 2", "Values to push, stack 2"),
        *("Contents, stack 1", "Contents, stack 2"),
    ]
    np.testing.assert_array_equal(
        shown(found["Actions, stack 2"]), stacks["actions"][:, 1].T
    )
    assert names(found["Actions, stack 1"]) == ["PUSH", "POP", "NO-OP", ""]
    contents = found["Contents, stack 2"]
    expected = stacks["stacks"][:, 1, :5].reshape(STEPS, 15).T
    np.testing.assert_array_equal(shown(contents), expected)
    # Five cells of three values.
    assert contents.images[0].get_extent() == [-0.5, STEPS - 0.5, 4.5, -0.5]


def test_a_moment_shows_the_stack_beside_the_past(rng, stacks):
    figure = stack_picture(None, rng.random((STEPS, 2)), stacks, time=1)
    found = panels(figure)
    assert "Inputs" not in found
    assert np.all(shown(found["Contents, stack 1"]).mask[:, 2:])
    stack = shown(found["Stack after step 1"])
    np.testing.assert_array_equal(stack, stacks["stacks"][1, 0, :5])


def test_empty_cells_may_be_full_of_minus_one(rng, stacks):
    stacks["stacks"] -= 1
    outputs = rng.random((STEPS, 2))
    found = panels(stack_picture(None, outputs, stacks, empty_value=-1.0))
    assert shown(found["Contents, stack 1"]).shape == (15, STEPS)


MOVES = ("stay", "left", "right", "jump_left", "jump_right")


def tape_of(moves, size, width=2, lengths=3):
    """A trace of certain moves over a tape whose location i, from home, holds i."""
    chosen = np.eye(5)[[MOVES.index(move) for move in moves]]
    trace = {
        "moves": chosen[:, None],
        "written_values": np.zeros((len(moves), 1, width)),
        "jump_length": np.full((len(moves), 1), lengths),
    }
    steps = {
        "stay": 0,
        "left": 1,
        "right": -1,
        "jump_left": lengths,
        "jump_right": -lengths,
    }
    heads = np.cumsum([steps[move] for move in moves]).tolist()
    home = np.repeat(np.arange(size)[:, None], width, axis=1)
    trace["tapes"] = np.stack([np.roll(home, -head, axis=0) for head in heads])[:, None]
    return trace, heads


def test_the_head_goes_where_the_tape_does_not():
    moves = ["left", "left", "stay", "right", "jump_left", "jump_right"]
    trace, heads = tape_of(moves, 9)
    assert heads == [1, 2, 2, 1, 4, 1]
    assert head_positions(trace, MOVES, 0) == heads


def test_the_head_stands_still_in_masked_steps():
    trace, heads = tape_of(["left", "jump_left", "left"], 9)
    assert heads == [1, 4, 5]
    trace["jump_length"] = trace["jump_length"] - 1e-5  # 3, as computed
    assert head_positions(trace, MOVES, 0) == [1, 4, 5]
    masked = {  # a step at the start, and one after the second
        name: np.stack([0 * x[0], x[0], x[1], x[1], x[2]]) for name, x in trace.items()
    }
    assert head_positions(masked, MOVES, 0) == [0, 1, 4, 4, 5]


def test_the_tape_lies_still_and_the_head_moves():
    trace, heads = tape_of(["left", "left", "stay", "jump_right"], 12)
    assert heads == [1, 2, 2, -1]
    found = panels(tape_picture(None, np.ones((4, 2)), trace, MOVES, time=2))
    contents = found["Contents"]
    # Locations -2 to 3: what is left of home is at the end of the ring.
    column = np.repeat([10, 11, 0, 1, 2, 3], 2)
    np.testing.assert_array_equal(shown(contents)[:, 0], column)
    np.testing.assert_array_equal(shown(contents)[:, 2], column)
    line = contents.lines[-1].get_ydata()
    np.testing.assert_array_equal(line, [1, 2, 2, np.nan])
    tape = shown(found["Tape after step 2"])
    np.testing.assert_array_equal(tape[:, 0], [10, 11, 0, 1, 2, 3])
    assert names(found["Moves"]) == ["stay", "left", "right", "jump left"]


def test_a_head_that_goes_around_the_ring():
    trace, heads = tape_of(["left"] * 7, 4)
    assert heads[-1] == 7
    contents = panels(tape_picture(None, np.ones((7, 2)), trace, MOVES))["Contents"]
    np.testing.assert_array_equal(shown(contents)[:, 6], np.repeat(np.arange(4), 2))
    assert contents.lines[0].get_ydata().tolist() == [1, 2, 3, 0, 1, 2, 3]


def test_a_layer_that_goes_backwards_reads_its_inputs_so(rng):
    layer = StackRNN(3, (6, 2), return_sequences=True, go_backwards=True)
    inputs = rng.normal(size=(2, STEPS, 4)).astype("float32")
    found = panels(machine_picture(layer, layer.trace(inputs), inputs, example=1))
    np.testing.assert_allclose(shown(found["Inputs"]), inputs[1, ::-1].T)


@pytest.mark.parametrize("make", [NTM, StackRNN, TapeRNN])
def test_pictures_of_layers(rng, make):
    layer = make(3, (6, 2), return_sequences=True)
    inputs = rng.normal(size=(2, STEPS, 4)).astype("float32")
    trace = layer.trace(inputs)
    assert num_frames(layer, trace) == STEPS
    logits = layer(inputs).numpy()[1].T  # (3, STEPS)
    powers = np.exp(logits)
    for activation, expected in (
        (None, logits),
        ("sigmoid", powers / (1 + powers)),
        ("softmax", powers / powers.sum(axis=0)),
        (keras.ops.square, logits**2),
    ):
        figure = machine_picture(layer, trace, inputs, example=1, activation=activation)
        found = panels(figure)
        np.testing.assert_allclose(shown(found["Inputs"]), inputs[1].T)
        np.testing.assert_allclose(shown(found["Outputs"]), expected, atol=1e-5)
