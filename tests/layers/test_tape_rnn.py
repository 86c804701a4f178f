"""The Tape-RNN against slow loops, and what a tape must do."""

import keras
import numpy as np
import pytest
import stack_loops as loops

from keras_nm.layers import TapeRNN, TapeRNNCell
from keras_nm.layers.tape_rnn import tape
from keras_nm.tasks.chomsky import ReverseString

BATCH, STEPS, FEATURES = 2, 20, 4
LENGTHS = (5, 9)


def make(**options):
    options = {"tape_shape": (7, 3), "num_tapes": 2, "write_units": (5, 4), **options}
    if any(move.startswith("jump") for move in options.get("moves", ())):
        options.setdefault("length_channel", -1)
    controller = keras.layers.SimpleRNNCell(6, activation="relu")
    return TapeRNN(3, controller=controller, return_sequences=True, **options)


def excited(layer, rng, scale=0.6):
    layer.build((None, None, FEATURES))
    layer.set_weights([rng.normal(0, scale, w.shape) for w in layer.get_weights()])
    return layer


def sequences_of(rng, channel=-1):
    """Random sequences with one channel of lengths."""
    sequences = rng.normal(size=(BATCH, STEPS, FEATURES)).astype("float32")
    sequences[..., channel] = np.array(LENGTHS)[:, None]
    return sequences


def run_loops(layer, sequence, choose=loops.softmax):
    """What a trace shows of one sequence: an array per name."""
    cell = layer.cell
    channel = cell.length_channel
    num_locations, width = cell.tape_shape
    tapes = [[[0.0] * width] * num_locations] * cell.num_tapes
    hidden = [0.0] * cell.controller.units
    maps = [[w.numpy() for w in part.weights] for part in cell.write_maps]
    recurrent = [w.numpy() for w in cell.controller.weights]
    move_map = [w.numpy() for w in cell.move_map.weights]
    results = []
    for inputs in sequence.astype("float64"):
        length = 0 if channel is None else int(inputs[channel])
        seen = inputs if channel is None else np.delete(inputs, channel)
        x = [*seen, *(v for t in tapes for v in t[0])]
        hidden = loops.elman(recurrent, x, hidden, loops.relu)
        values = hidden
        for weights in maps[:-1]:
            values = [loops.relu(v) for v in loops.linear(weights, values)]
        values = loops.chunks(loops.linear(maps[-1], values), width)
        logits = loops.chunks(loops.linear(move_map, hidden), len(cell.moves))
        moves = [choose(x) for x in logits]
        tapes = [
            loops.move_tape(t, move, cell.moves, length, v, cell.jumps_write)
            for t, move, v in zip(tapes, moves, values, strict=True)
        ]
        results.append((loops.read_out(cell, hidden), tapes, moves, values))
    names = ("output", "tapes", "moves", "written_values")
    return dict(zip(names, map(np.array, zip(*results, strict=True)), strict=True))


def assert_near(actual, expected, **options):
    np.testing.assert_allclose(actual, expected, rtol=1e-3, atol=1e-4, **options)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"moves": tape.MOVES},
        {"moves": tape.MOVES, "jumps_write": False, "write_units": ()},
        {"moves": ("left", "stay"), "readout_activation": "tanh", "activation": "sigmoid"},
        {"moves": ("jump_right", "right"), "num_tapes": 1, "length_channel": 1},
    ],
    ids=str,
)
def test_twenty_steps_equal_loops(rng, options):
    layer = excited(make(**options), rng)
    sequences = sequences_of(rng, options.get("length_channel", -1))
    outputs, trace = layer(sequences), layer.trace(sequences)
    for row in range(BATCH):
        expected = run_loops(layer, sequences[row])
        assert_near(outputs[row], expected["output"])
        assert set(trace) - {"jump_length"} == set(expected)
        for key, values in expected.items():
            assert_near(trace[key][row], values, err_msg=key)
    assert np.std(trace["moves"]) > 0.05


def test_a_length_that_changes(rng):
    layer = excited(make(moves=tape.MOVES), rng)
    sequences = sequences_of(rng)
    sequences[..., -1] = rng.integers(0, 12, (BATCH, STEPS))
    assert_near(layer(sequences)[0], run_loops(layer, sequences[0])["output"])
    lengths = layer.trace(sequences)["jump_length"]
    np.testing.assert_array_equal(lengths, sequences[..., -1:])


def test_a_computed_length_is_rounded(rng):
    layer = excited(make(moves=tape.MOVES), rng)
    sequences = sequences_of(rng)
    sequences[..., -1] = rng.integers(1, 12, (BATCH, STEPS))
    expected = layer(sequences)[0]
    sequences[..., -1] -= 1e-5
    assert_near(layer(sequences)[0], expected)


@pytest.mark.parametrize("steps", [0, 1, 2])
def test_a_jump_leads_as_far_as_the_question_is_long(rng, steps):
    """Steps to compute do not count, and it does from the first step on."""
    task = ReverseString(
        min_length=4, max_length=4, computation_steps=steps, length_channel=True
    )
    x, *_ = next(iter(task.dataset(1)))
    lengths = make(moves=tape.MOVES).trace(x)["jump_length"]
    assert lengths.numpy().ravel().tolist() == [4.0] * (4 + 4 * steps + 4)


def test_rounded_moves_equal_loops(rng):
    layer = excited(make(actions="discrete", moves=tape.MOVES), rng)
    sequences = sequences_of(rng)
    rounded = run_loops(layer, sequences[0], choose=loops.one_hot)
    assert_near(layer(sequences)[0], rounded["output"])
    in_training = run_loops(layer, sequences[0])
    assert_near(layer(sequences, training=True)[0], in_training["output"])


def test_moves_of_a_ring_by_hand():
    tapes = np.arange(8.0).reshape(2, 1, 4)  # two examples, four locations of one number
    lengths = np.array([[3], [5]], "int32")
    expected = {
        "stay": [[0, 1, 2, 3], [4, 5, 6, 7]],
        "left": [[1, 2, 3, 0], [5, 6, 7, 4]],
        "right": [[3, 0, 1, 2], [7, 4, 5, 6]],
        "jump_left": [[3, 0, 1, 2], [5, 6, 7, 4]],
        "jump_right": [[1, 2, 3, 0], [7, 4, 5, 6]],
    }
    assert tuple(expected) == tape.MOVES
    for name, rows in expected.items():
        result = keras.ops.convert_to_numpy(tape.moved(tapes, name, 1, lengths))
        assert result[:, 0].tolist() == rows


def test_a_larger_tape_changes_nothing_while_no_move_goes_around(rng):
    # 20 steps to the left: the head meets locations 1 to 20.
    layer = excited(make(tape_shape=(40, 3), moves=("stay", "left")), rng)
    sequences = sequences_of(rng)
    larger = layer.with_num_locations(60)
    np.testing.assert_allclose(larger(sequences), layer(sequences), rtol=1e-4, atol=1e-4)
    smaller = layer.with_num_locations(2)
    assert np.max(np.abs(smaller(sequences) - layer(sequences))) > 1e-3


def test_states_by_name(rng):
    layer = make(return_state=True)
    _, *states = layer(sequences_of(rng))
    named = layer.cell.named_states(states)
    assert list(named) == ["output", "controller_0", "tapes"]
    assert named["tapes"].shape == (BATCH, 2, 7, 3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"tape_shape": (4, 0)}, r"`tape_shape` must be a pair \(num_locations, width\)"),
        ({"num_tapes": 0}, "num_tapes=0"),
        ({"moves": ("left", "up")}, "'stay', 'left', 'right'.*'up'"),
        ({"moves": ("left", "left")}, "two different moves.*'left', 'left'"),
        ({"moves": ("left",)}, "at least two different moves"),
        ({"moves": 3}, "must be a list or tuple of names.*moves=3"),
        ({"moves": "left"}, "must be a list or tuple of names.*moves='left'"),
        ({"actions": "hard"}, "'soft', 'straight_through', 'discrete'.*'hard'"),
        ({"jumps_write": 1}, "`jumps_write` must be True or False.*jumps_write=1"),
        ({"write_units": (3, 0)}, r"write_units\[1\]=0"),
        ({"write_units": 64}, "must be a list or tuple .* write_units=64"),
        ({"length_channel": 1.5}, "index of an input channel.*length_channel=1.5"),
        ({"length_channel": True}, "length_channel=True"),
        ({"moves": tape.MOVES}, "Jumps need a `length_channel`.*length_channel=None"),
        ({"length_channel": 0}, "no use for it.*moves=.'stay', 'left', 'right'.*=0"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        TapeRNNCell(3, **arguments)


def test_a_length_channel_that_the_inputs_lack():
    cell = TapeRNNCell(3, moves=tape.MOVES, length_channel=4)
    with pytest.raises(ValueError, match=r"one of the 4 input channels.*length_channel=4"):
        cell.build((None, 4))
