"""What TensorBoard shows of a machine, by hand."""

import keras
import numpy as np
import pytest

from keras_nm.layers import NRAM, NeuralGPU, TapeRNN
from keras_nm.metrics import looks
from keras_nm.programs import PROGRAMS

TRACE = {
    # Of one sequence with two steps, one head and two locations: 1 and 0 bits, 0 and 0.
    "write_weightings": np.array([[[[0.5, 0.5]], [[0.0, 1.0]]]]),
    "read_weightings": np.array([[[[1.0, 0.0]], [[0.0, 1.0]]]]),
    "write_gate": np.array([[[[1.0]], [[0.5]]]]),
    "allocation_gate": np.array([[[[0.0]], [[0.5]]]]),
    "free_gate": np.array([[[[1.0]], [[1.0]]]]),
    # Backward, by content, forward.
    "read_modes": np.array([[[[0.2, 0.3, 0.5]], [[0.0, 0.1, 0.9]]]]),
}


def test_a_ntm():
    seen = looks.head_entropies(None, TRACE, None)
    assert seen == pytest.approx({"write_entropy": 0.5, "read_entropy": 0.0})


def test_a_dnc():
    gates = {"write_gate": 0.75, "allocation_gate": 0.25, "free_gate": 1.0}
    modes = {"read_backward": 0.1, "read_by_content": 0.2, "read_forward": 0.7}
    entropies = looks.head_entropies(None, TRACE, None)
    seen = looks.heads_and_gates(None, TRACE, None)
    assert seen == pytest.approx({**entropies, **gates, **modes})


def test_a_dnc_with_two_write_heads():
    modes = np.array([[[[0.1, 0.2, 0.3, 0.15, 0.25]]]])
    trace = {**TRACE, "write_gate": np.ones((1, 1, 2, 1)), "read_modes": modes}
    seen = looks.heads_and_gates(None, trace, None)
    found = [seen[f"read_{mode}"] for mode in ("backward", "by_content", "forward")]
    assert found == pytest.approx([0.3, 0.3, 0.4])


def test_a_dnc_without_links():
    trace = {name: values for name, values in TRACE.items() if name != "read_modes"}
    assert "read_forward" not in looks.heads_and_gates(None, trace, None)


def test_a_stack_rnn():
    # Two steps of two stacks.
    actions = np.array([[[[1, 0, 0], [0, 1, 0]], [[0.5, 0.5, 0], [0, 0, 1]]]])
    seen = looks.mean_actions(None, {"actions": actions}, None)
    assert seen == pytest.approx({"push": 0.375, "pop": 0.375, "no_op": 0.25})


def test_a_tape_rnn():
    layer = TapeRNN(3, moves=("right", "left"))
    moves = np.array([[[[1, 0]], [[0.5, 0.5]]]])
    seen = looks.mean_moves(layer, {"moves": moves}, None)
    assert seen == pytest.approx({"right": 0.75, "left": 0.25})


def test_the_gap_of_a_nram_with_weights_of_whole_tapes():
    layer = PROGRAMS["access"].into_layer(NRAM(2))
    # The program copies the cell that the first one points to into the first one.
    x = np.array([[2, 0, 1], [1, 2, 0]])
    y = np.array([[2, 1, 2], [2, 2, 0]])  # all wrong, all right
    trace = {name: np.array(values) for name, values in layer.trace(x, 2).items()}
    examples = ((x, y, np.array([1.0, 3.0])), {"num_steps": 2})
    seen = looks.program_and_gap(layer, trace, examples)
    assert seen["wrong_cells_soft"] == pytest.approx(0.25)
    assert seen["wrong_cells_discrete"] == pytest.approx(0.25)


def test_an_npi():
    trace = {
        "program": np.array([[[0.9, 0.1], [0.5, 0.5]]]),
        "end": np.array([[[0.0], [1.0]]]),
    }
    seen = looks.called_programs(None, trace, None)
    assert seen == pytest.approx({"program_0": 0.7, "program_1": 0.3, "end": 0.5})
    # The second step is padding.
    examples = ((None, None, np.array([[1.0, 0.0]])), {})
    seen = looks.called_programs(None, trace, examples)
    assert seen == pytest.approx({"program_0": 0.9, "program_1": 0.1, "end": 0.0})


def test_a_neural_gpu():
    # Of two classes. The first position changes at steps 1 and 3 of 4, the third at the
    # first, the others never.
    classes = np.zeros((5, 4), int)
    classes[[1, 2], 0] = classes[1:, 2] = 1
    # Of the second example, the last two positions are padding. It ends after 2 steps.
    ends_early = np.zeros((5, 4), int)
    ends_early[2:, 0] = 1
    state = np.ones((2, 5, 4, 1, 3))
    state[1, :, 2:] = 0
    trace = {"output": np.eye(2)[[classes, ends_early]], "state": state}
    shares = [3 / 4, 0, 1 / 4, 0, 2 / 2, 0]
    assert looks.settled_at(None, trace, None) == {"settled_at": np.mean(shares)}


def test_a_neural_gpu_does_not_see_padding(rng):
    layer = NeuralGPU(3, num_maps=6, num_symbols=4)
    tokens = np.array([[1, 2, 3], [3, 3, 1]])
    padded = np.pad(tokens, [(0, 0), (0, 4)])
    layer(tokens)
    layer.set_weights([rng.normal(size=weight.shape) for weight in layer.weights])
    seen = [
        looks.settled_at(
            layer,
            {k: keras.ops.convert_to_numpy(v) for k, v in layer.trace(x).items()},
            None,
        )
        for x in (tokens, padded)
    ]
    assert seen[0] == pytest.approx(seen[1])
    assert seen[0]["settled_at"] > 0
