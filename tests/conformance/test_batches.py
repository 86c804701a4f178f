"""Batches of all sizes go in, and their rows stay apart."""

import keras
import numpy as np
import pytest
from machine_cases import assert_all_close, assert_close, each_machine, model_of, with_cases


@each_machine
def test_one_model_takes_batches_and_inputs_of_all_sizes(case, inputs, rng):
    layer = case.make()
    model = model_of(layer, case.symbolic_inputs())
    model.compile(jit_compile=False)
    # The second one makes both sizes dynamic, so that the third needs no new graph.
    for batch in (inputs, case.inputs(rng, size=3)[:2], inputs[: case.fewest]):
        assert_close(model.predict(batch, verbose=0), layer(batch))


@pytest.mark.slow
@with_cases(["dense_nram", "straight_through_nram", "all_gates_nram"])
def test_one_model_takes_tapes_of_real_sizes(case, rng):
    layer = case.make()
    model = model_of(layer, case.symbolic_inputs())
    weights = model.get_weights()
    for size in (8, 45, 300):
        tape = case.inputs(rng, size)[:2]
        outputs = model.predict(tape, verbose=0)
        assert outputs.shape == (2, size, 2 * size + 1)
        np.testing.assert_allclose(outputs[:, :, :size].sum(axis=-1), 1, atol=1e-4)
        assert_close(outputs, layer(tape), 1e-4)
    assert_all_close(model.get_weights(), weights)


def test_rows_do_not_touch_each_other(case, inputs):
    layer = case.make()
    outputs = layer(inputs)
    changed = inputs.copy()
    changed[1] = case.other_inputs(inputs)[1]
    changed_outputs = layer(changed)
    others = [0, 2, 3]
    assert_close(keras.ops.take(changed_outputs, others, 0), np.take(outputs, others, 0))
    assert np.abs(changed_outputs[1] - outputs[1]).max() > 1e-4
