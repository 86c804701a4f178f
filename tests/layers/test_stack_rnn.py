"""The Stack-RNN against slow loops, numbers by hand, and what a stack must do."""

import keras
import numpy as np
import pytest
import stack_loops as loops

from keras_nm.layers import StackRNN, StackRNNCell
from keras_nm.layers.stack_rnn import stack

BATCH, STEPS, FEATURES = 2, 20, 4


def excited(layer, rng, scale=0.7):
    """A built layer with weights that make its stacks do more than at initialization."""
    layer.build((None, None, FEATURES))
    layer.set_weights([rng.normal(0, scale, w.shape) for w in layer.get_weights()])
    return layer


def weights_of(part):
    return [w.numpy() for w in part.weights]


def run_loops(layer, sequence, actions=loops.softmax):
    """What a trace shows of one sequence: an array per name."""
    cell = layer.cell
    depth, width = cell.stack_shape
    stacks = [[[cell.empty_value] * width] * depth] * cell.num_stacks
    hidden = [0.0] * cell.controller.units
    push = loops.ACTIVATIONS[cell.push_activation.__name__]

    def moved(stacks, hidden):
        """The stacks after a move, its actions, and what it pushed."""
        logits = loops.chunks(
            loops.linear(weights_of(cell.action_map), hidden), cell.num_actions
        )
        values = [hidden] * cell.num_stacks
        if cell.push_map is not None:
            values = loops.chunks(loops.linear(weights_of(cell.push_map), hidden), width)
        chosen = [actions(x) for x in logits]
        values = [[push(v) for v in value] for value in values]
        moves = zip(stacks, chosen, values, strict=True)
        stacks = [loops.move_stack(*move, cell.empty_value) for move in moves]
        return stacks, chosen, values

    if cell.memory_order == "push_first":
        stacks, *_ = moved(stacks, hidden)
    results = []
    for inputs in sequence:
        tops = [v for s in stacks for read in s[: cell.read_depth] for v in read]
        x = [*map(float, inputs), *tops]
        if isinstance(cell.controller, keras.layers.Dense):
            activation = loops.ACTIVATIONS[cell.controller.activation.__name__]
            hidden = [activation(v) for v in loops.linear(weights_of(cell.controller), x)]
        else:
            hidden = loops.elman(weights_of(cell.controller), x, hidden, np.tanh)
        stacks, chosen, values = moved(stacks, hidden)
        results.append((loops.read_out(cell, hidden), stacks, chosen, values))
    names = ("output", "stacks", "actions", "pushed_values")
    return dict(zip(names, map(np.array, zip(*results, strict=True)), strict=True))


SETTINGS = {
    "defaults": {},
    "the paper's code": {
        "stack_shape": (7, 1),
        "num_stacks": 4,
        "no_op": False,
        "read_depth": 2,
        "empty_value": -1.0,
        "use_bias": False,
        "controller": lambda: keras.layers.Dense(6, "sigmoid", use_bias=False),
    },
    "benchmark": {
        "push_activation": "linear",
        "readout_activation": "relu",
        "activation": "sigmoid",
    },
    "push first": {"memory_order": "push_first", "push_activation": "tanh"},
    "pushed hidden": {
        "pushed_value": "controller_output",
        "num_stacks": 2,
        "controller": lambda: keras.layers.SimpleRNNCell(3),
    },
}


def make(options, **more):
    options = {"stack_shape": (6, 3), "num_stacks": 2, **options, **more}
    controller = options.pop("controller", lambda: keras.layers.SimpleRNNCell(6))
    return StackRNN(3, controller=controller(), return_sequences=True, **options)


@pytest.mark.parametrize("name", SETTINGS)
def test_twenty_steps_equal_loops(rng, name):
    layer = excited(make(SETTINGS[name]), rng)
    sequences = rng.normal(size=(BATCH, STEPS, FEATURES)).astype("float32")
    trace = layer.trace(sequences)
    outputs = layer(sequences)
    for row in range(BATCH):
        expected = run_loops(layer, sequences[row])
        np.testing.assert_allclose(outputs[row], expected["output"], atol=1e-5)
        assert set(expected) == set(trace)
        for key, values in expected.items():
            np.testing.assert_allclose(trace[key][row], values, atol=1e-5, err_msg=key)
    assert np.std(trace["actions"]) > 0.1


@pytest.mark.parametrize("actions", ["discrete", "straight_through"])
def test_rounded_actions_equal_loops(rng, actions):
    layer = excited(make({}, actions=actions), rng, scale=1.5)
    sequences = rng.normal(size=(1, STEPS, FEATURES)).astype("float32")
    rounded = run_loops(layer, sequences[0], actions=loops.one_hot)
    np.testing.assert_allclose(layer(sequences)[0], rounded["output"], atol=1e-4)
    trace = layer.trace(sequences)
    np.testing.assert_allclose(trace["stacks"][0], rounded["stacks"], atol=1e-4)
    assert set(np.unique(trace["actions"])) == {0, 1}
    assert len(np.unique(np.argmax(trace["actions"], axis=-1))) == 3
    # The paper rounds a trained machine, and trains it unrounded.
    in_training = run_loops(layer, sequences[0]) if actions == "discrete" else rounded
    outputs = layer(sequences, training=True)[0]
    np.testing.assert_allclose(outputs, in_training["output"], atol=1e-4)


def test_rounding_begins_after_training_with_the_first_move_too(rng):
    sequences = rng.normal(size=(1, 1, FEATURES)).astype("float32")
    layer = excited(make({}, actions="discrete", memory_order="push_first"), rng)
    soft = make({}, actions="soft", memory_order="push_first")
    soft.build(sequences.shape)
    soft.set_weights(layer.get_weights())
    np.testing.assert_allclose(layer(sequences, training=True), soft(sequences), atol=1e-6)
    assert np.abs(layer(sequences) - soft(sequences)).max() > 1e-3


def test_stacks_by_hand():
    """Three steps of one stack of numbers, worked out on paper."""
    stacks = np.full((1, 1, 6), -1.0, "float32")
    steps = [
        (0.9, 0.7, [0.53, -1, -1, -1, -1, -1]),
        (0.8, 0.2, [-0.04, 0.224, -1, -1, -1, -1]),
        (0.1, 0.5, [0.2516, -0.904, -0.8776, -1, -1, -1]),
    ]
    for push, value, expected in steps:
        actions = np.float32([[[push, 1 - push]]])
        stacks = stack.move(stacks, actions, np.float32([[[value]]]), -1.0)
        np.testing.assert_allclose(stacks[0, 0], expected, atol=1e-6)


def test_what_is_pushed_is_popped_in_reverse(rng):
    stacks = before = rng.normal(size=(2, 3, 5 * 2)).astype("float32")
    values = rng.normal(size=(4, 2, 3, 2)).astype("float32")
    push, pop, stay = (np.tile(np.float32(x), (2, 3, 1)) for x in np.eye(3))
    for value in values:
        stacks = stack.move(stacks, push, value, 0.0)
        stacks = stack.move(stacks, stay, -value, 0.0)
        top = np.reshape(value, (2, -1))
        np.testing.assert_array_equal(stack.read(stacks, 2), top)
    for value in values[::-1]:
        np.testing.assert_array_equal(stack.read(stacks, 2), np.reshape(value, (2, -1)))
        stacks = stack.move(stacks, pop, value, 0.0)
    # Of five cells, four were pushed beyond the depth.
    np.testing.assert_array_equal(stacks[..., :2], before[..., :2])
    np.testing.assert_array_equal(stacks[..., 2:], np.zeros((2, 3, 8)))


def test_a_deeper_stack_changes_nothing_while_the_depth_suffices(rng):
    layer = excited(make({}, stack_shape=(STEPS, 3)), rng)
    sequences = rng.normal(size=(BATCH, STEPS, FEATURES)).astype("float32")
    deeper = layer.with_depth(100)
    np.testing.assert_allclose(deeper(sequences), layer(sequences), atol=1e-6)
    shallow = layer.with_depth(2)
    assert np.max(np.abs(shallow(sequences) - layer(sequences))) > 1e-3
    with pytest.raises(
        ValueError, match=r"`depth` must be .* at least 1. Received: depth=0"
    ):
        layer.with_depth(0)


def test_named_states_have_their_own_shapes(rng):
    layer = make({}, return_state=True)
    outputs, *states = layer(rng.normal(size=(BATCH, STEPS, FEATURES)))
    named = layer.cell.named_states(states)
    shapes = {name: tuple(state.shape) for name, state in named.items()}
    assert shapes == {
        "output": (BATCH, 3),
        "controller_0": (BATCH, 6),
        "stacks": (BATCH, 2, 6, 3),
    }
    np.testing.assert_array_equal(named["output"], outputs[:, -1])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"units": 0}, "`units` must be an integer of at least 1"),
        ({"stack_shape": (0, 8)}, r"`stack_shape` must be a pair \(depth, width\)"),
        ({"stack_shape": 8}, r"pair \(depth, width\).*stack_shape=8"),
        ({"num_stacks": 0}, "num_stacks=0"),
        ({"read_depth": 7}, r"at most the depth of the stacks.*read_depth=7, stack_shape="),
        ({"no_op": "False"}, "`no_op` must be True or False.*no_op='False'"),
        ({"empty_value": float("nan")}, "`empty_value` must be a finite number.*nan"),
        ({"empty_value": None}, "`empty_value` must be a finite number.*None"),
        ({"actions": "hard"}, "'soft', 'straight_through', 'discrete'.*'hard'"),
        ({"memory_order": "push"}, "'push_last', 'push_first'.*'push'"),
        ({"pushed_value": "hidden"}, "'mapped', 'controller_output'.*'hidden'"),
        ({"controller": keras.layers.LSTM(3)}, "pass its cell"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        StackRNNCell(**{"units": 3, "stack_shape": (6, 3), **arguments})


def test_a_pushed_output_has_the_width_of_the_stacks():
    layer = make({"pushed_value": "controller_output"})
    with pytest.raises(ValueError, match=r"a width of 3, and .* an output of size 6"):
        layer.build((None, None, FEATURES))


def test_a_cell_takes_one_step(rng):
    with pytest.raises(ValueError, match=r"StackRNNCell takes inputs.*use StackRNN"):
        StackRNNCell(3).build((None, 5, 4))


def test_an_initial_state_before_build():
    with pytest.raises(ValueError, match="build the layer"):
        make({}, memory_order="push_first").cell.get_initial_state(2)
