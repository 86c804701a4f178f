"""A trace shows the run that the layer makes, with the same arguments."""

import numpy as np
import pytest
from machine_cases import BATCH, SIZE, assert_close, each_machine, each_sequence_machine


@each_machine
@pytest.mark.parametrize("usual", [True, False])
def test_a_trace_leads_to_the_output(case, inputs, usual):
    layer = case.make(**({} if usual else case.unusual_options))
    expected = case.answer(layer(inputs, **case.call_options))
    trace = layer.trace(inputs, **case.call_options)
    assert_close(case.answer_in_trace(trace), expected)


@each_sequence_machine
def test_a_trace_is_zero_before_the_first_step(case, inputs):
    layer = case.make()
    mask = np.tile([False, False, True, False, True], (BATCH, 1))
    assert mask.shape == (BATCH, SIZE)
    trace = layer.trace(inputs, mask=mask)
    assert all(np.all(np.asarray(values)[:, :2] == 0) for values in trace.values())
    assert_close(trace["output"], layer(inputs, mask=mask))
