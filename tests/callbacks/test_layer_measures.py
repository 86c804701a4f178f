import keras
import numpy as np
import tensorflow as tf

import keras_nm
from keras_nm.layers import NRAM
from keras_nm.metrics.tapes import DiscreteMachine
from keras_nm.programs import PROGRAMS
from keras_nm.tasks import nram
from keras_nm.training import LayerMeasures


def test_the_discrete_machine_of_a_program_makes_no_mistake():
    layer = PROGRAMS["access"].into_layer(NRAM(2, num_steps=3))
    data = nram.Access(max_length=5).evaluation_set(5, 4, 2)
    # In every batch of four, the answers to the first tape are wrong.
    first = tf.constant([[1], [0], [0], [0]])
    wrong = data.map(
        lambda tape, answer, cells: (tape, answer + tf.cast(cells, tf.int32) * first, cells)
    )
    assert DiscreteMachine(layer).error(data) == 0
    assert DiscreteMachine(layer).error(wrong) == 0.25
    log = {}
    LayerMeasures(layer, wrong).on_epoch_end(0, log)
    assert log == {"val_discrete_wrong_cells": 0.25}


def test_a_layer_without_measures_logs_nothing():
    log = {"loss": 1.0}
    LayerMeasures(keras.layers.LSTM(2), [(np.zeros(1),) * 3]).on_epoch_end(0, log)
    assert log == {"loss": 1.0}


def test_the_old_name_stays():
    assert keras_nm.training.DiscreteError is LayerMeasures
