import math

import keras
import numpy as np
import pytest

from keras_nm.training import BitsPerSequence, BitsPerSequenceLoss, WrongBitsPerSequence


@pytest.fixture
def example(rng):
    y_true = rng.integers(0, 2, (3, 5, 2)).astype("float32")
    logits = rng.normal(0, 2, (3, 5, 2)).astype("float32")
    sample_weight = rng.integers(0, 2, (3, 5)).astype("float32")
    return y_true, logits, sample_weight


def loop(y_true, logits, sample_weight):
    bits, wrong = [], []
    for b in range(3):
        bits.append(0.0)
        wrong.append(0)
        for t in range(5):
            for i in range(2):
                p = 1 / (1 + math.exp(-logits[b, t, i]))
                right = p if y_true[b, t, i] == 1 else 1 - p
                bits[b] -= sample_weight[b, t] * math.log2(right)
                wrong[b] += sample_weight[b, t] * (right < 0.5)
    return sum(bits) / 3, sum(wrong) / 3


def test_equal_loops(example):
    bits, wrong = loop(*example)
    y_true, logits, sample_weight = example
    loss = BitsPerSequenceLoss()(y_true, logits, sample_weight)
    np.testing.assert_allclose(loss, bits, rtol=1e-5)
    for metric, expected in ((BitsPerSequence(), bits), (WrongBitsPerSequence(), wrong)):
        metric.update_state(y_true, logits, sample_weight)
        np.testing.assert_allclose(metric.result(), expected, rtol=1e-5)


def test_without_weights_every_step_counts(example):
    y_true, logits, _ = example
    bits, wrong = loop(y_true, logits, np.ones((3, 5)))
    np.testing.assert_allclose(BitsPerSequenceLoss()(y_true, logits), bits, rtol=1e-5)
    np.testing.assert_allclose(WrongBitsPerSequence()(y_true, logits), wrong, rtol=1e-5)


def test_metrics_are_means_over_batches_of_any_size(example):
    y_true, logits, sample_weight = example
    bits, wrong = loop(*example)
    for metric, expected in ((BitsPerSequence(), bits), (WrongBitsPerSequence(), wrong)):
        metric.update_state(y_true[:1], logits[:1], sample_weight[:1])
        metric.update_state(y_true[1:], logits[1:], sample_weight[1:])
        np.testing.assert_allclose(metric.result(), expected, rtol=1e-5)


def test_masks_count_like_weights(example):
    y_true, logits, sample_weight = example
    bits, wrong = loop(*example)
    masked = keras.Input((None, 2))
    model = keras.Model(masked, keras.layers.Masking(mask_value=9.0)(masked))
    model.compile(
        loss=BitsPerSequenceLoss(), metrics=[BitsPerSequence(), WrongBitsPerSequence()]
    )
    inputs = np.where(sample_weight[..., None] > 0, logits, 9.0)
    result = model.evaluate(inputs, y_true, verbose=0, return_dict=True)
    np.testing.assert_allclose(result["loss"], bits, rtol=1e-5)
    np.testing.assert_allclose(result["bits_per_sequence"], bits, rtol=1e-5)
    np.testing.assert_allclose(result["wrong_bits_per_sequence"], wrong, rtol=1e-5)


def test_confident_logits_stay_finite():
    y_true = np.float32([[[1, 0]]])
    np.testing.assert_allclose(
        BitsPerSequence()(y_true, np.float32([[[-1e4, -1e4]]])),
        1e4 / math.log(2),
        rtol=1e-4,
    )


def test_model_fit_evaluate_and_reload(example, tmp_path):
    y_true, logits, sample_weight = example
    bits, wrong = loop(*example)
    inputs = keras.Input((None, 2))
    model = keras.Model(inputs, keras.layers.Identity()(inputs))
    model.compile(
        loss=BitsPerSequenceLoss(),
        weighted_metrics=[BitsPerSequence(), WrongBitsPerSequence()],
    )
    model.save(tmp_path / "model.keras")
    for each in (model, keras.saving.load_model(tmp_path / "model.keras")):
        result = each.evaluate(
            logits, y_true, sample_weight=sample_weight, verbose=0, return_dict=True
        )
        np.testing.assert_allclose(result["loss"], bits, rtol=1e-5)
        np.testing.assert_allclose(result["bits_per_sequence"], bits, rtol=1e-5)
        np.testing.assert_allclose(result["wrong_bits_per_sequence"], wrong, rtol=1e-5)
