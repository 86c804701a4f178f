"""A SavedModel answers as the model does, for batches and inputs of any size."""

import tensorflow as tf
from machine_cases import assert_close, each_machine, model_of


@each_machine
def test_saved_model_round_trip(case, inputs, rng, tmp_path):
    model = model_of(case.make(), case.symbolic_inputs())
    model.export(tmp_path / "model", verbose=False)
    loaded = tf.saved_model.load(tmp_path / "model")
    for batch in (inputs, case.inputs(rng, size=3)[:2]):
        assert_close(loaded.serve(batch), model(batch))
