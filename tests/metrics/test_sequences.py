import math

import keras
import numpy as np
import pytest

from keras_nm.tasks import TASKS
from keras_nm.training import (
    BitsPerSequence,
    BitsPerSequenceLoss,
    ExactSequences,
    OptimalBitsPerSequence,
    WrongBitsPerSequence,
)


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


def test_exact_sequences_have_no_wrong_bit_that_counts(example):
    y_true, logits, sample_weight = example
    exact = [
        all(
            (bit > 0) == (right > 0.5)
            for bits, answers, weight in zip(*sequence, strict=True)
            if weight
            for bit, right in zip(bits, answers, strict=True)
        )
        for sequence in zip(logits, y_true, sample_weight, strict=True)
    ]
    metric = ExactSequences()
    metric.update_state(y_true, logits, sample_weight)
    np.testing.assert_allclose(metric.result(), np.mean(exact))
    metric.reset_state()
    right = 2.0 * y_true - 1
    right[0, 1, 0] *= -1
    metric.update_state(y_true, right.astype("float32"), sample_weight)
    np.testing.assert_allclose(metric.result(), 1 - (sample_weight[0, 1] > 0) / len(y_true))


def test_whole_sequences_have_weights_too(example):
    # As many sequences as steps: their weights are not taken for those of the steps.
    y_true, logits = example[0][:, :3], example[1][:, :3]
    weight = np.array([0, 1, 1], "float32")
    for metric in (BitsPerSequence(), WrongBitsPerSequence(), ExactSequences()):
        expected = metric(y_true, logits, np.repeat(weight[:, None], 3, axis=1))
        metric.reset_state()
        np.testing.assert_allclose(metric(y_true, logits, weight), expected)
        metric.reset_state()  # as if there were two sequences
        np.testing.assert_allclose(metric(y_true[1:], logits[1:]), expected, rtol=1e-6)


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


def optimal_bits(sequence, order):
    """Counts what followed each context so far, in plain Python."""
    counts, bits = {}, []
    for t, bit in enumerate(sequence):
        if t < order - 1:
            bits.append(1.0)
            continue
        count = counts.setdefault(tuple(sequence[t - order + 1 : t]), [0, 0])
        bits.append(-math.log2((count[bit] + 0.5) / (sum(count) + 1)))
        count[bit] += 1
    return bits


@pytest.mark.parametrize("order", [1, 2, 3, 6, 16])
def test_optimal_bits_equal_those_of_counting(order, rng):
    sequences = (rng.random((7, 40, 1)) < rng.random((7, 1, 1))).astype("float32")
    weights = rng.integers(0, 2, (7, 40)).astype("float32")
    expected = np.array([optimal_bits(row[:, 0].astype(int), order) for row in sequences])
    metric = OptimalBitsPerSequence(order=order)
    metric.update_state(sequences, np.zeros((7, 40, 1)))
    np.testing.assert_allclose(metric.result(), expected.sum(axis=1).mean(), rtol=1e-5)
    metric.reset_state()
    metric.update_state(sequences, np.zeros((7, 40, 1)), sample_weight=weights)
    expected = (weights * expected).sum(axis=1).mean()
    np.testing.assert_allclose(metric.result(), expected, rtol=1e-5)


def test_the_optimal_predictor_has_133_bits_per_sequence():
    """As in figure 13 of Graves et al. 2014."""
    spec = TASKS["ntm/dynamic_ngrams"]
    metric = OptimalBitsPerSequence()
    for _, y, weight in spec.make().dataset(250).take(8):
        metric.update_state(y, y, sample_weight=weight)
    assert float(metric.result()) == pytest.approx(133, abs=1)


def test_configuration_of_optimal_bits():
    metric = OptimalBitsPerSequence(order=3, name="best")
    copy = keras.metrics.deserialize(keras.metrics.serialize(metric))
    assert copy.get_config() == metric.get_config()
    assert copy.order == 3
    for order in (0, 17):
        with pytest.raises(ValueError, match=f"order={order}"):
            OptimalBitsPerSequence(order=order)
