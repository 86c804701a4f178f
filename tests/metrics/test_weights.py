"""Losses and metrics take weights of whole examples, and values of one step each.

Values of losses per step are by hand.
"""

import keras
import numpy as np
import pytest

from keras_nm.training import (
    BitsPerSequence,
    BitsPerSequenceLoss,
    CallLoss,
    ExactAnswers,
    ExactSequences,
    TapeLoss,
    TokenLoss,
    WrongBitsPerSequence,
    WrongCalls,
    WrongSteps,
    WrongTokens,
)

BATCH = 3
WEIGHT = np.array([0.5, 0, 2])


def of_class(logits, y):
    """Cross-entropy in nats of classes `(B, T)` under logits `(B, T, classes)`."""
    chosen = np.take_along_axis(logits, y[..., None], axis=-1)[..., 0]
    return np.log(np.exp(logits).sum(axis=-1)) - chosen  # (B, T)


def sequences(rng, size):
    y, logits = rng.integers(0, 2, (BATCH, size, 2)), rng.normal(size=(BATCH, size, 2))
    bits = np.log2(1 + np.exp(np.where(y == 1, -logits, logits))).sum(axis=-1)
    return BitsPerSequenceLoss(), y, logits, bits


def tokens(rng, size):
    y, logits = rng.integers(0, 4, (BATCH, size)), rng.normal(size=(BATCH, size, 4))
    return TokenLoss(), y, logits, of_class(logits, y)


def calls(rng, size):
    """Two programs, and an argument with three values."""
    y, logits = rng.integers(0, 2, (BATCH, size, 3)), rng.normal(size=(BATCH, size, 6))
    end = np.log(1 + np.exp(np.where(y[..., 0] == 1, -logits[..., 0], logits[..., 0])))
    program = of_class(logits[..., 1:3], y[..., 1])
    argument = of_class(logits[..., 3:], y[..., 2])
    return CallLoss((3,)), y, logits, end + program + argument


def tapes(rng, size):
    y = rng.integers(0, size, (BATCH, size))
    logits = rng.normal(size=(BATCH, size, size))
    tape = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    y_pred = np.concatenate([tape, np.log(tape), -np.ones((BATCH, size, 1))], axis=-1)
    return TapeLoss("log_expected"), y, y_pred, of_class(logits, y)


def weighted(loss, values, weight):
    """Sums over steps and means over examples, or means over steps."""
    is_sum = isinstance(loss, BitsPerSequenceLoss | TapeLoss)
    return np.sum(values * weight) / (BATCH if is_sum else np.sum(weight))


# As many steps as examples, where Keras takes the weights for those of the steps, and more.
@pytest.mark.parametrize("size", [BATCH, 5])
@pytest.mark.parametrize("make", [sequences, tokens, calls, tapes])
def test_by_hand(make, size, rng):
    loss, y, y_pred, values = make(rng, size)
    by_step = np.repeat(WEIGHT[:, None], size, axis=1)
    expected = weighted(loss, values, by_step)
    for weight in (WEIGHT, WEIGHT[:, None], by_step, by_step[..., None]):
        np.testing.assert_allclose(loss(y, y_pred, weight), expected, rtol=1e-5)


@pytest.mark.parametrize("make", [sequences, tokens, calls, tapes])
def test_one_weight_for_all(make, rng):
    loss, y, y_pred, values = make(rng, 5)
    expected = weighted(loss, values, np.full((BATCH, 5), 2.0))
    np.testing.assert_allclose(loss(y, y_pred, 2.0), expected, rtol=1e-5)


@pytest.mark.parametrize("make", [sequences, tokens, calls])
def test_of_one_step_without_an_axis_of_steps(make, rng):
    loss, y, y_pred, values = make(rng, 1)
    expected = weighted(loss, values, WEIGHT[:, None])
    for weight in (WEIGHT, WEIGHT[:, None]):
        np.testing.assert_allclose(loss(y[:, 0], y_pred[:, 0], weight), expected, rtol=1e-5)


ANSWERS = {
    sequences: lambda logits: logits > 0,
    tokens: lambda logits: logits.argmax(axis=-1),
    calls: lambda logits: np.stack(
        [
            logits[..., 0] > 0,
            *(x.argmax(axis=-1) for x in (logits[..., 1:3], logits[..., 3:])),
        ],
        axis=-1,
    ),
}
METRICS = [
    (sequences, BitsPerSequence()),
    (sequences, WrongBitsPerSequence()),
    (sequences, ExactSequences()),
    (tokens, WrongTokens()),
    (tokens, WrongTokens(end_token=1)),
    (tokens, ExactAnswers()),
    (tokens, ExactAnswers(end_token=1)),
    (calls, WrongSteps((3,))),
    (calls, WrongCalls((3,))),
]


@pytest.mark.parametrize(
    ("make", "metric"), METRICS, ids=lambda x: getattr(x, "name", None)
)
def test_metrics_of_one_step_without_an_axis_of_steps(make, metric, rng):
    _, y, y_pred, _ = make(rng, 1)
    y[0] = ANSWERS[make](y_pred[0])
    for weight in (None, WEIGHT, WEIGHT[:, None]):
        metric.reset_state()
        expected = float(metric(y, y_pred, weight))
        metric.reset_state()
        assert float(metric(y[:, 0], y_pred[:, 0], weight)) == pytest.approx(expected)


@pytest.mark.parametrize("make", [sequences, tokens, calls, tapes])
def test_in_training_behind_a_mask(make, rng):
    loss, y, y_pred, values = make(rng, 5)
    mask = rng.integers(0, 2, (BATCH, 5))
    inputs = keras.Input(y_pred.shape[1:])
    identity = keras.layers.Dense(y_pred.shape[-1], kernel_initializer="identity")
    model = keras.Model(inputs, identity(keras.layers.Masking(9.0)(inputs)))
    model.compile(keras.optimizers.SGD(0.0), loss, jit_compile=False)
    x = np.where(mask[..., None], y_pred, 9.0)
    history = model.fit(x, y, sample_weight=WEIGHT, verbose=0).history
    expected = weighted(loss, values, WEIGHT[:, None] * mask)
    np.testing.assert_allclose(history["loss"], [expected], rtol=1e-5)
