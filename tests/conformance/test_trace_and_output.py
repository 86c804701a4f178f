"""A trace shows the run that the layer makes, with the same arguments."""

from machine_cases import assert_close, each_machine


@each_machine
def test_a_trace_leads_to_the_output(case, inputs):
    layer = case.make()
    expected = case.answer(layer(inputs, **case.call_options))
    trace = layer.trace(inputs, **case.call_options)
    assert_close(case.answer_in_trace(trace), expected)
