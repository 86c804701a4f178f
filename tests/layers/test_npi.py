"""The Neural Programmer-Interpreter against slow loops, and what it refuses."""

import keras
import numpy as np
import pytest
import stack_loops as loops

from keras_nm.layers import NPI, ChainedCell

PROGRAMS, ARGUMENTS, OBSERVATION = 3, (2, 4), 5
FEATURES = OBSERVATION + sum(ARGUMENTS) + PROGRAMS


def weights_of(part):
    return [w.numpy() for w in part.weights]


def run_loops(layer, sequence):
    """What the equations of the paper give for one call: parts of the outputs by name."""
    cell = layer.cell
    embeddings, keys = cell.program_embeddings.numpy(), cell.program_keys.numpy()
    hidden = [0.0] * cell.controller.units
    results = []
    for inputs in sequence:
        state = [float(x) for x in inputs[:-PROGRAMS]]
        for part in cell.encoder_maps:
            state = [loops.relu(x) for x in loops.linear(weights_of(part), state)]
        embedding = [0.0] * cell.program_size
        for share, row in zip(inputs[-PROGRAMS:], embeddings, strict=True):
            embedding = [a + float(share) * b for a, b in zip(embedding, row, strict=True)]
        hidden = loops.elman(
            weights_of(cell.controller), [*state, *embedding], hidden, np.tanh
        )
        key = loops.linear(weights_of(cell.key_map), hidden)
        parts = {
            "key": key,
            "end": loops.linear(weights_of(cell.end_map), hidden),
            "program": [sum(a * b for a, b in zip(row, key, strict=True)) for row in keys],
        }
        for i, part in enumerate(cell.argument_maps):
            parts[f"argument_{i}"] = loops.linear(weights_of(part), hidden)
        results.append(parts)
    return {name: np.array([parts[name] for parts in results]) for name in results[0]}


@pytest.mark.parametrize("encoder_units", [(), (6, 4)])
def test_outputs_and_trace_are_those_of_the_equations(encoder_units, rng):
    layer = NPI(
        PROGRAMS,
        ARGUMENTS,
        keras.layers.SimpleRNNCell(7),
        program_size=4,
        key_size=3,
        encoder_units=encoder_units,
        return_sequences=True,
    )
    layer.build((None, None, FEATURES))
    layer.set_weights([rng.normal(0, 0.7, w.shape) for w in layer.get_weights()])
    sequence = rng.normal(size=(6, FEATURES)).astype("float32")
    expected = run_loops(layer, sequence)
    names = ("end", "program", "argument_0", "argument_1")
    outputs = np.concatenate([expected[name] for name in names], axis=-1)
    np.testing.assert_allclose(layer(sequence[None])[0], outputs, atol=1e-4)
    trace = layer.trace(sequence[None])
    np.testing.assert_allclose(trace["key"][0], expected["key"], atol=1e-4)
    end = [[loops.sigmoid(x) for x in row] for row in expected["end"]]
    np.testing.assert_allclose(trace["end"][0], end, atol=1e-4)
    for name in names[1:]:
        shares = [loops.softmax(row) for row in expected[name]]
        np.testing.assert_allclose(trace[name][0], shares, atol=1e-4)


def test_the_default_controller_is_the_papers():
    controller = NPI(2).cell.controller
    assert isinstance(controller, ChainedCell)
    kinds = [type(layer).__name__ for layer in controller.layers]
    assert kinds == ["Dense", "Dense", "LSTMCell", "LSTMCell"]
    assert {layer.units for layer in controller.layers} == {256}
    assert [d.activation.__name__ for d in controller.layers[:2]] == ["relu", "linear"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_programs": 0}, "num_programs=0"),
        ({"argument_sizes": (3, 0)}, r"argument_sizes\[1\]=0"),
        ({"argument_sizes": 3}, "must be a list or tuple .* argument_sizes=3"),
        ({"program_size": 0}, "program_size=0"),
        ({"key_size": 1.5}, "key_size=1.5"),
        ({"encoder_units": (0,)}, r"encoder_units\[0\]=0"),
        ({"encoder_units": 64}, "must be a list or tuple .* encoder_units=64"),
    ],
)
def test_wrong_sizes(options, message):
    with pytest.raises(ValueError, match=message):
        NPI(**{"num_programs": 2, **options})


def test_inputs_need_an_observation():
    layer = NPI(3, (2,))
    with pytest.raises(ValueError, match=r"2 and 3 channels.*with 5 channels"):
        layer(np.zeros((1, 2, 5), "float32"))
