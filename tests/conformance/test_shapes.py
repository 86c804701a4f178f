"""The shapes that a layer announces are those that come out."""

import keras
import pytest
from machine_cases import (
    BATCH,
    FEATURES,
    SIZE,
    each_sequence_machine,
    each_tape_case,
)


@each_sequence_machine
@pytest.mark.parametrize(
    ("return_sequences", "return_state"), [(True, True), (False, False)]
)
def test_shapes_from_sequences(case, inputs, return_sequences, return_state):
    layer = case.make(return_sequences=return_sequences, return_state=return_state)
    outputs = layer(inputs)
    expected = layer.compute_output_shape(inputs.shape)
    symbolic = layer(keras.Input((None, FEATURES)))
    if return_state:
        shapes = [tuple(x.shape) for x in outputs]
        assert shapes == [tuple(shape) for shape in expected]
        assert shapes[1:] == [(BATCH, size) for size in layer.cell.state_size]
        assert [x.shape[1:] for x in symbolic[1:]] == [shape[1:] for shape in shapes[1:]]
    else:
        assert tuple(outputs.shape) == tuple(expected)
        assert symbolic.shape[-1] == 5
    first = outputs[0] if return_state else outputs
    assert first.shape == ((BATCH, SIZE, 5) if return_sequences else (BATCH, 5))


@each_sequence_machine
def test_the_number_of_features_must_be_known(case):
    with pytest.raises(ValueError, match="number of features must be known"):
        case.make()(keras.Input((None, None)))


@each_tape_case
def test_shapes_from_tapes(case, inputs):
    layer = case.make()
    shape = (BATCH, SIZE, 2 * SIZE + 1)
    assert layer(inputs).shape == shape
    assert tuple(layer.compute_output_shape(inputs.shape)) == shape
    known = keras.Input(inputs.shape[1:], dtype=inputs.dtype.name)
    assert tuple(layer(known).shape) == (None, *shape[1:])
    assert tuple(layer(case.symbolic_inputs()).shape) == (None, None, None)
