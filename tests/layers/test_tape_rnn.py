"""The Tape-RNN against slow loops, and what a tape must do."""

import keras
import numpy as np
import pytest
import stack_loops as loops

from keras_nm.layers import TapeRNN, TapeRNNCell
from keras_nm.layers.tape_rnn import tape

BATCH, STEPS, FEATURES = 2, 20, 4


def make(**options):
    options = {"tape_shape": (7, 3), "num_tapes": 2, "write_units": (5, 4), **options}
    controller = keras.layers.SimpleRNNCell(6, activation="relu")
    return TapeRNN(3, controller=controller, return_sequences=True, **options)


def excited(layer, rng, scale=0.6):
    layer.build((None, None, FEATURES))
    layer.set_weights([rng.normal(0, scale, w.shape) for w in layer.get_weights()])
    return layer


def sequences_of(rng, ends):
    """Random sequences, whose last channel is 1 from their ends on."""
    sequences = rng.normal(size=(BATCH, STEPS, FEATURES)).astype("float32")
    sequences[..., -1] = np.arange(STEPS) >= np.array(ends)[:, None]
    return sequences


def run_loops(layer, sequence, length_at, choose=loops.softmax):
    """Outputs, and tapes after each step, of one sequence."""
    cell = layer.cell
    num_locations, width = cell.tape_shape
    tapes = [[[0.0] * width] * num_locations] * cell.num_tapes
    hidden = [0.0] * cell.controller.units
    maps = [[w.numpy() for w in part.weights] for part in cell.write_maps]
    recurrent = [w.numpy() for w in cell.controller.weights]
    move_map, output_map = (
        [w.numpy() for w in part.weights] for part in (cell.move_map, cell.output_map)
    )
    results = []
    for time, inputs in enumerate(sequence):
        x = [*map(float, inputs), *(v for t in tapes for v in t[0])]
        hidden = loops.elman(recurrent, x, hidden, loops.relu)
        values = hidden
        for weights in maps[:-1]:
            values = [loops.relu(v) for v in loops.linear(weights, values)]
        values = loops.chunks(loops.linear(maps[-1], values), width)
        logits = loops.chunks(loops.linear(move_map, hidden), len(cell.moves))
        tapes = [
            loops.move_tape(t, choose(x), cell.moves, length_at(time), v, cell.jumps_write)
            for t, x, v in zip(tapes, logits, values, strict=True)
        ]
        results.append((loops.linear(output_map, hidden), tapes))
    outputs, tapes = zip(*results, strict=True)
    return np.array(outputs), np.array(tapes)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"jumps_write": False, "write_units": ()},
        {"moves": ("left", "stay")},
        {"moves": ("jump_right", "right"), "num_tapes": 1},
    ],
    ids=str,
)
def test_twenty_steps_equal_loops(rng, options):
    layer = excited(make(**options), rng)
    ends = [5, 9]
    sequences = sequences_of(rng, ends)
    outputs, trace = layer(sequences), layer.trace(sequences)
    for row, end in enumerate(ends):
        # Before the end of the input, a jump leads nowhere.
        expected, tapes = run_loops(
            layer, sequences[row], lambda time, end=end: end if time >= end else 0
        )
        np.testing.assert_allclose(outputs[row], expected, rtol=1e-3, atol=1e-4)
        np.testing.assert_allclose(trace["tapes"][row], tapes, rtol=1e-3, atol=1e-4)
    assert np.std(trace["moves"]) > 0.05


def test_a_length_that_is_known_from_the_start(rng):
    layer = excited(make(), rng)
    sequences = sequences_of(rng, [6, 6])
    names = layer.cell.state_names
    states = layer.get_initial_state(BATCH)
    states[names.index("input_length")] = np.float32([[6, 1]] * BATCH)
    outputs = layer(sequences, initial_state=states)
    expected, _ = run_loops(layer, sequences[0], lambda time: 6)
    np.testing.assert_allclose(outputs[0], expected, rtol=1e-3, atol=1e-4)


def test_rounded_moves_equal_loops(rng):
    layer = excited(make(actions="discrete", end_channel=None), rng)
    sequences = sequences_of(rng, [6, 6])
    # Without an end channel, a jump leads as far as there were steps, with this one.
    options = {"length_at": lambda time: time + 1}
    expected, _ = run_loops(layer, sequences[0], choose=loops.one_hot, **options)
    np.testing.assert_allclose(layer(sequences)[0], expected, rtol=1e-3, atol=1e-4)
    expected, _ = run_loops(layer, sequences[0], **options)
    outputs = layer(sequences, training=True)[0]
    np.testing.assert_allclose(outputs, expected, rtol=1e-3, atol=1e-4)


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
    sequences = sequences_of(rng, [5, 9])
    larger = layer.with_num_locations(60)
    np.testing.assert_allclose(larger(sequences), layer(sequences), rtol=1e-4, atol=1e-4)
    smaller = layer.with_num_locations(2)
    assert np.max(np.abs(smaller(sequences) - layer(sequences))) > 1e-3


def test_states_by_name(rng):
    layer = make(return_state=True)
    _, *states = layer(sequences_of(rng, [5, 9]))
    named = layer.cell.named_states(states)
    assert list(named) == ["output", "controller_0", "input_length", "tapes"]
    assert named["input_length"].numpy().tolist() == [[5, 1], [9, 1]]
    assert named["tapes"].shape == (BATCH, 2, 7, 3)
    layer = make(moves=("stay", "left"))
    assert layer.cell.state_names == ["output", "controller_0", "tapes"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"tape_shape": (4, 0)}, r"`tape_shape` must be a pair \(num_locations, width\)"),
        ({"num_tapes": 0}, "num_tapes=0"),
        ({"moves": ("left", "up")}, "'stay', 'left', 'right'.*'up'"),
        ({"moves": ("left", "left")}, "two different moves.*'left', 'left'"),
        ({"moves": ("left",)}, "at least two different moves"),
        ({"actions": "hard"}, "'soft', 'straight_through', 'discrete'.*'hard'"),
        ({"write_units": (3, 0)}, r"write_units\[1\]=0"),
        ({"write_units": 64}, "must be a list or tuple .* write_units=64"),
        ({"end_channel": 1.5}, "end_channel=1.5"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        TapeRNNCell(3, **arguments)


def test_an_end_channel_that_the_inputs_lack():
    with pytest.raises(ValueError, match=r"one of the 4 input channels.*end_channel=4"):
        TapeRNNCell(3, end_channel=4).build((None, 4))
