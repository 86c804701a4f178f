"""Bits per sequence, as the papers report them: a loss and metrics.

All of them take `y_true` in {0, 1} and logits `y_pred`, of shape
`(batch, timesteps, bits)`, and `sample_weight` of shape `(batch, timesteps)`, which is
1 on the steps that count, or `(batch,)` for whole sequences.
"""

import math

import keras
from keras import ops

from keras_nm.arguments import check_integer
from keras_nm.keras_internals import mask_of, scale_loss_for_distribution
from keras_nm.metrics.weights import StepLoss, step_weights, steps_of


def _bits_per_step(y_true, y_pred):
    y_true = ops.cast(y_true, y_pred.dtype)
    nats = ops.binary_crossentropy(y_true, y_pred, from_logits=True)
    return ops.sum(nats, axis=-1) / math.log(2)  # (B, T)


def _wrong_bits_per_step(y_true, y_pred):
    wrong = ops.not_equal(y_pred > 0, ops.cast(y_true, y_pred.dtype) > 0.5)
    wrong = wrong | ops.isnan(y_pred)  # (B, T, bits)
    return ops.sum(ops.cast(wrong, y_pred.dtype), axis=-1)  # (B, T)


@keras.saving.register_keras_serializable(package="keras_nm")
class BitsPerSequenceLoss(StepLoss):
    """Cross-entropy in bits, summed over each sequence, averaged over the batch.

    Example:

    >>> import keras_nm, numpy as np
    >>> loss = keras_nm.training.BitsPerSequenceLoss()
    >>> float(loss(np.ones((2, 3, 8)), np.zeros((2, 3, 8), "float32")))
    24.0
    """

    # What makes probabilities of the logits that this loss takes.
    activation = "sigmoid"

    def __init__(self, name="bits_per_sequence_loss", dtype=None):
        # `call` divides by the batch size, so the sum over all steps is the mean of the
        # sequences' sums. Like this, Keras applies masks and weights to every step.
        super().__init__(name=name, reduction="sum", dtype=dtype)

    def call(self, y_true, y_pred):
        batch_size = ops.cast(ops.shape(y_pred)[0], y_pred.dtype)
        return scale_loss_for_distribution(_bits_per_step(y_true, y_pred) / batch_size)

    def get_config(self):
        return {"name": self.name}


class _MeanPerSequence(keras.metrics.Mean):
    """The mean over sequences of the sum of `per_step` over time steps.

    Sequences without a step that counts are left out.
    """

    def update_state(self, y_true, y_pred, sample_weight=None):
        mask = mask_of(y_pred)
        y_pred = ops.convert_to_tensor(y_pred, dtype=self.dtype)
        per_step = steps_of(self.per_step(ops.convert_to_tensor(y_true), y_pred))  # (B, T)
        counted = step_weights(per_step, sample_weight, mask, dtype=self.dtype)
        totals = ops.sum(per_step * counted, axis=-1)
        return super().update_state(
            self.of_sequence(totals), sample_weight=ops.any(counted > 0, axis=-1)
        )

    def of_sequence(self, total):
        return total


@keras.saving.register_keras_serializable(package="keras_nm")
class BitsPerSequence(_MeanPerSequence):
    """Mean cross-entropy per sequence, in bits: 0 is perfect, 1 per bit is guessing.

    Example:

    >>> import keras_nm, numpy as np
    >>> metric = keras_nm.training.BitsPerSequence()
    >>> float(metric(np.ones((2, 3, 8)), np.zeros((2, 3, 8), "float32")))
    24.0
    """

    per_step = staticmethod(_bits_per_step)

    def __init__(self, name="bits_per_sequence", dtype=None):
        super().__init__(name=name, dtype=dtype)


@keras.saving.register_keras_serializable(package="keras_nm")
class WrongBitsPerSequence(_MeanPerSequence):
    """Mean number of wrong bits per sequence. Logits above 0 count as 1.

    Example:

    >>> import keras_nm, numpy as np
    >>> metric = keras_nm.training.WrongBitsPerSequence()
    >>> float(metric(np.ones((2, 3, 8)), np.zeros((2, 3, 8), "float32")))
    24.0
    """

    per_step = staticmethod(_wrong_bits_per_step)

    def __init__(self, name="wrong_bits_per_sequence", dtype=None):
        super().__init__(name=name, dtype=dtype)


@keras.saving.register_keras_serializable(package="keras_nm")
class ExactSequences(_MeanPerSequence):
    """The share of sequences without a wrong bit. Logits above 0 count as 1.

    Example:

    >>> import keras_nm, numpy as np
    >>> metric = keras_nm.training.ExactSequences()
    >>> logits = np.array([[[5.0, 5.0]], [[5.0, -5.0]]], "float32")
    >>> float(metric(np.ones((2, 1, 2)), logits))
    0.5
    """

    per_step = staticmethod(_wrong_bits_per_step)

    def __init__(self, name="exact_sequences", dtype=None):
        super().__init__(name=name, dtype=dtype)

    def of_sequence(self, wrong_bits):
        return ops.equal(wrong_bits, 0)


@keras.saving.register_keras_serializable(package="keras_nm")
class OptimalBitsPerSequence(_MeanPerSequence):
    """The cross-entropy of the best predictor of N-grams on the same sequences.

    The predictor knows how sequences are made, but not their tables. After a context that
    was followed by a 1 `N_1` times and by a 0 `N_0` times, it expects a 1 with probability
    `(N_1 + 1/2) / (N_0 + N_1 + 1)` (Graves et al. 2014, equation 10). The first bits have
    no complete context and cost one bit each. The model's predictions play no part.

    Takes `y_true` `(batch, timesteps, 1)`, all bits of a sequence in order.

    Args:
        order: Integer N from 1 to 16, as for `keras_nm.tasks.ntm.DynamicNGrams`. A context
            is N - 1 bits. Defaults to `6`.

    Example, with contexts of one bit:

    >>> import keras_nm, numpy as np
    >>> metric = keras_nm.training.OptimalBitsPerSequence(order=2)
    >>> sequence = np.array([[[1], [1], [1]]])
    >>> round(float(metric(sequence, np.zeros((1, 3, 1)))), 3)  # 1 - log2(1/2) - log2(3/4)
    2.415
    """

    def __init__(self, order=6, name="optimal_bits_per_sequence", dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.order = check_integer("order", order, maximum=16)

    def per_step(self, y_true, y_pred):
        bits = ops.cast(y_true[..., 0], "int32")  # (B, T)
        time = ops.arange(ops.shape(bits)[1])
        context = ops.zeros_like(bits)
        for age in range(1, self.order):
            before = ops.where(time >= age, ops.roll(bits, age, axis=1), 0)
            context = context + 2 ** (age - 1) * before
        # (B, T, T): at each step, the earlier steps with the same context.
        complete = time >= self.order - 1
        same = ops.equal(context[:, :, None], context[:, None, :])
        same = same & (time[None, :] < time[:, None]) & complete[None, :]
        same = ops.cast(same, self.dtype)
        ones = ops.cast(bits, self.dtype)
        probability = ops.sum(same * ones[:, None, :], axis=-1) + 0.5
        probability = probability / (ops.sum(same, axis=-1) + 1)
        return -ops.log2(ops.where(bits == 1, probability, 1 - probability))

    def get_config(self):
        return {"order": self.order, **super().get_config()}
