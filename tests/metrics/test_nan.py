"""Outputs of NaN are wrong answers, whatever the right ones are."""

import numpy as np
import pytest

from keras_nm import training

BITS = np.zeros((2, 3, 4)), np.zeros((2, 3, 4), "float32") - 1
TOKENS = np.zeros((2, 3), int), np.eye(4, dtype="float32")[np.zeros((2, 3), int)]
CALLS = np.zeros((2, 3, 2), int), np.full((2, 3, 3), -1, "float32")
TAPE = np.eye(3, dtype="float32")[np.zeros((2, 3), int)]
TAPES = (
    np.zeros((2, 3), int),
    np.concatenate([TAPE, np.log(TAPE + 1e-6), TAPE[..., :1]], axis=-1),
)


@pytest.mark.parametrize(
    ("metric", "data", "right", "wrong"),
    [
        (training.WrongBitsPerSequence(), BITS, 0, 4 / 2),
        (training.ExactSequences(), BITS, 1, 0.5),
        (training.WrongTokens(), TOKENS, 0, 1 / 6),
        (training.ExactAnswers(), TOKENS, 1, 0.5),
        (training.WrongSteps(()), CALLS, 0, 1 / 6),
        (training.WrongCalls(()), CALLS, 0, 0.5),
        (training.WrongCells(), TAPES, 0, 1 / 6),
        (training.ExactTapes(), TAPES, 1, 0.5),
    ],
)
def test_nan_is_wrong(metric, data, right, wrong):
    y_true, y_pred = data
    assert float(metric(y_true, y_pred)) == right
    metric.reset_state()
    y_pred = y_pred.copy()
    y_pred[1, 2] = np.nan
    assert float(metric(y_true, y_pred)) == pytest.approx(wrong)
