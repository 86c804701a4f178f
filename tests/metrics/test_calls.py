"""Cross-entropy and errors of calls, by hand."""

import keras
import numpy as np
import pytest

from keras_nm.training import CallLoss, WrongCalls, WrongSteps

# Two programs, and an argument with three values: the probabilities of the end, of the
# second program, and of the argument's values.
STEPS = [
    (0.9, 0.2, (0.5, 0.25, 0.25)),
    (0.4, 0.7, (0.1, 0.8, 0.1)),
    (0.6, 0.6, (0.2, 0.2, 0.6)),
]
Y = np.array([[[1, 0, 0], [0, 1, 1], [0, 0, 2]], [[1, 0, 0], [0, 0, 1], [0, 1, 0]]])
NATS = np.array(
    [
        [-np.log(0.9 * 0.8 * 0.5), -np.log(0.6 * 0.7 * 0.8), -np.log(0.4 * 0.4 * 0.6)],
        [-np.log(0.9 * 0.8 * 0.5), -np.log(0.6 * 0.3 * 0.8), -np.log(0.4 * 0.6 * 0.2)],
    ]
)
WRONG = np.array([[0, 0, 1], [0, 1, 1]])
LOGITS = np.array(
    [[np.log(e / (1 - e)), np.log(1 - p), np.log(p), *np.log(a)] for e, p, a in STEPS]
)
LOGITS = np.stack([LOGITS, LOGITS]).astype("float32")
WEIGHT = np.array([[1, 1, 0], [1, 0, 0]], "float32")


def test_the_loss_sums_over_choices_and_averages_over_steps_that_count():
    loss = CallLoss.from_config(CallLoss((3,)).get_config())
    np.testing.assert_allclose(loss(Y, LOGITS), NATS.mean(), rtol=1e-5)
    expected = (NATS * WEIGHT).sum() / 3
    np.testing.assert_allclose(loss(Y, LOGITS, WEIGHT), expected, rtol=1e-5)
    assert CallLoss.activation is None


@pytest.mark.parametrize(
    ("weight", "steps", "calls"),
    [
        (None, 3 / 6, 1),
        (WEIGHT, 0, 0),
        ([[0, 1, 1], [0, 1, 0]], 2 / 3, 1),
        ([1, 0], 1 / 3, 1),  # whole calls
    ],
)
def test_errors_by_hand(weight, steps, calls):
    weight = None if weight is None else np.array(weight, "float32")
    for metric, expected in ((WrongSteps, steps), (WrongCalls, calls)):
        metric = metric.from_config(metric((3,)).get_config())
        np.testing.assert_allclose(metric(Y, LOGITS, weight), expected, rtol=1e-6)


def test_each_choice_counts():
    for choice in range(3):
        y = Y[:1, :1].copy()
        y[..., choice] = 1 - y[..., choice]
        assert float(WrongSteps((3,))(y, LOGITS[:1, :1])) == 1


def test_calls_without_arguments():
    y, logits = Y[..., :2], LOGITS[..., :3]
    expected = -np.log([0.9 * 0.8, 0.6 * 0.7, 0.4 * 0.4, 0.9 * 0.8, 0.6 * 0.3, 0.4 * 0.6])
    np.testing.assert_allclose(CallLoss(())(y, logits), expected.mean(), rtol=1e-5)


def test_masks_count_as_weights():
    logits = keras.ops.convert_to_tensor(LOGITS)
    logits._keras_mask = WEIGHT > 0  # as a layer leaves it
    assert float(WrongSteps((3,))(Y, logits)) == 0


@pytest.mark.parametrize("make", [CallLoss, WrongSteps, WrongCalls])
def test_sizes_are_a_tuple(make):
    with pytest.raises(ValueError, match=r"must be a list or tuple .* argument_sizes=3"):
        make(3)


@pytest.mark.parametrize("make", [CallLoss, WrongSteps, WrongCalls])
@pytest.mark.parametrize("sizes", [(), (3, 1), (5,)])  # of y, of both, of the logits
def test_sizes_fit_decisions_and_logits(make, sizes):
    message = r"`argument_sizes` must be .* \(2, 3, 3\), y_pred of shape \(2, 3, 6\)"
    with pytest.raises(ValueError, match=message):
        make(sizes)(Y, LOGITS)
