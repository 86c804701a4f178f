"""A model in a `.keras` file is the same when it is loaded."""

import keras
from machine_cases import assert_close, each_machine, model_of


@each_machine
def test_keras_file_round_trip(case, inputs, tmp_path):
    model = model_of(case.make(), case.symbolic_inputs())
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert_close(loaded(inputs), model(inputs))
