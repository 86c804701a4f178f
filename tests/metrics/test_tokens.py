"""Cross-entropy and errors of tokens, by hand."""

import keras
import numpy as np
import pytest

from keras_nm.training import ExactAnswers, TokenLoss, WrongTokens

# Two sequences of four steps, three classes. The right class has a probability of 1/2 at
# the first step, 1/4 elsewhere.
Y = np.array([[0, 1, 2, 0], [2, 2, 1, 1]], "int32")
PROBABILITIES = np.full((2, 4, 3), 0.5)
for row, classes in enumerate(Y):
    for time, right in enumerate(classes):
        PROBABILITIES[row, time] = 0.25 if time == 0 else 0.375
        PROBABILITIES[row, time, right] = 0.5 if time == 0 else 0.25
LOGITS = np.log(PROBABILITIES).astype("float32")


def test_the_loss_is_a_mean_over_what_counts():
    weight = np.array([[1, 1, 0, 0], [1, 0, 0, 0]], "float32")
    expected = (2 * np.log(2) + np.log(4)) / 3
    np.testing.assert_allclose(TokenLoss()(Y, LOGITS, weight), expected, rtol=1e-6)
    expected = (2 * np.log(2) + 6 * np.log(4)) / 8
    np.testing.assert_allclose(TokenLoss()(Y, LOGITS), expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("weight", "end_token", "wrong", "exact"),
    [
        (None, None, 6 / 8, 0),
        ([[1, 0, 0, 0], [1, 1, 0, 0]], None, 1 / 3, 1 / 2),
        ([[0, 1, 1, 1], [0, 0, 0, 0]], None, 1, 0),
        ([1, 0], None, 3 / 4, 0),  # whole sequences
        # 2 ends the first answer after three tokens, and the second one after one.
        (None, 2, 2 / 4, 1 / 2),
        # A 2 in the question ends nothing.
        ([[1, 1, 1, 1], [0, 1, 1, 1]], 2, 3 / 4, 0),
    ],
)
def test_errors_by_hand(weight, end_token, wrong, exact):
    weight = None if weight is None else np.array(weight, "float32")
    metric = WrongTokens(end_token=end_token)
    np.testing.assert_allclose(metric(Y, LOGITS, weight), wrong, rtol=1e-6)
    metric = ExactAnswers.from_config(ExactAnswers(end_token=end_token).get_config())
    np.testing.assert_allclose(metric(Y, LOGITS, weight), exact, rtol=1e-6)


def test_batches_of_other_lengths_count_by_their_tokens():
    metric = WrongTokens()
    metric.update_state(Y[:, :1], LOGITS[:, :1])
    metric.update_state(Y, LOGITS)
    np.testing.assert_allclose(metric.result(), 6 / 10, rtol=1e-6)


def test_masks_count_as_weights():
    x = keras.Input((4, 1))
    model = keras.Model(x, keras.layers.LSTM(3, return_sequences=True)(x))
    masked = keras.Model(
        x, keras.layers.LSTM(3, return_sequences=True)(keras.layers.Masking()(x))
    )
    masked.set_weights(model.get_weights())
    inputs = np.ones((2, 4, 1), "float32")
    inputs[:, 2:] = 0
    weight = (inputs != 0).astype("float32")[..., 0]
    results = []
    for each, weights in ((model, weight), (masked, None)):
        each.compile(loss=TokenLoss(), weighted_metrics=[WrongTokens(), ExactAnswers()])
        results.append(each.evaluate(inputs, Y, sample_weight=weights, verbose=0))
    np.testing.assert_allclose(*results, rtol=1e-6)
