import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_nm
from keras_nm.layers import NRAM
from keras_nm.metrics.tapes import DiscreteMachine
from keras_nm.programs import PROGRAMS
from keras_nm.tasks import nram
from keras_nm.training import LayerMeasures

TASK = nram.Access(max_length=5)


def access(**options):
    return PROGRAMS["access"].into_layer(NRAM(2, **options))


def model_of(layer, **call_options):
    tape = keras.Input((None,), dtype="int32")
    return keras.Model(tape, layer(tape, **call_options))


def logged(callback, model):
    """What it logs after an epoch of a model's training."""
    callback.set_model(model)
    callback.on_train_begin()
    log = {"loss": 1.0}
    callback.on_epoch_end(0, log)
    return log


def test_the_discrete_machine_of_a_program_makes_no_mistake():
    layer = access(num_steps=3)
    data = TASK.evaluation_set(5, 4, 2)
    # In every batch of four, the answers to the first tape are wrong.
    first = tf.constant([[1], [0], [0], [0]])
    wrong = data.map(
        lambda tape, answer, cells: (tape, answer + tf.cast(cells, tf.int32) * first, cells)
    )
    assert DiscreteMachine(layer).error(data) == 0
    assert DiscreteMachine(layer).error(wrong) == 0.25
    # As many tapes as cells, so that their weights could be taken for those of cells.
    whole = (
        nram.Access(max_length=2)
        .evaluation_set(2, 4)
        .map(lambda tape, answer, cells: (tape, answer + first, [1.0, 3.0, 0.0, 0.0]))
    )
    assert DiscreteMachine(layer).error(whole) == 0.25
    log = logged(LayerMeasures(layer, wrong), model_of(layer))
    assert log == {"loss": 1.0, "val_discrete_wrong_cells": 0.25}


@pytest.mark.parametrize("options", [{}, {"num_steps": 1}])
def test_the_number_of_steps_is_that_of_the_call(options):
    """The program takes two steps."""
    layer = access(**options)
    log = logged(
        LayerMeasures(layer, TASK.evaluation_set(5, 4)), model_of(layer, num_steps=2)
    )
    assert log["val_discrete_wrong_cells"] == 0


def test_a_subclassed_model_takes_the_steps_of_its_layer():
    class Subclassed(keras.Model):
        def __init__(self):
            super().__init__()
            self.layer = access(num_steps=2)

        def call(self, tape):
            return self.layer(tape)

    model = Subclassed()
    log = logged(LayerMeasures(model.layer, TASK.evaluation_set(5, 4)), model)
    assert log["val_discrete_wrong_cells"] == 0


def test_a_number_of_steps_that_depends_on_inputs_is_an_error():
    layer = access(num_steps=2)
    tape = keras.Input((None,), dtype="int32")
    model = keras.Model(tape, layer(tape, num_steps=tape[:, 0]))
    with pytest.raises(ValueError, match=r"such as num_steps=10 .*<KerasTensor"):
        logged(LayerMeasures(layer, TASK.evaluation_set(5, 4)), model)


def test_endless_data_is_an_error():
    with pytest.raises(ValueError, match=r"`data` must end.* `evaluation_set`"):
        LayerMeasures(access(num_steps=2), TASK.dataset(32))


def test_a_layer_without_measures_logs_nothing():
    callback = LayerMeasures(keras.layers.LSTM(2), [(np.zeros(1),) * 3])
    assert logged(callback, keras.Sequential()) == {"loss": 1.0}


def test_the_old_name_stays():
    assert keras_nm.training.DiscreteError is LayerMeasures
