"""Cross-entropy and errors of tokens: a loss and metrics.

All of them take classes `y_true` `(batch, timesteps)` as integers, logits `y_pred`
`(batch, timesteps, classes)`, and `sample_weight` `(batch, timesteps)`, which is 1 on the
steps that count, or `(batch,)` for whole sequences.
"""

import keras
from keras import ops

from keras_nm.keras_internals import mask_of
from keras_nm.metrics.weights import StepLoss, step_weights, steps_of


@keras.saving.register_keras_serializable(package="keras_nm")
class TokenLoss(StepLoss):
    """Cross-entropy in nats, averaged over all tokens of a batch that count.

    Example:

    >>> import keras_nm, numpy as np
    >>> loss = keras_nm.training.TokenLoss()
    >>> round(float(loss(np.ones((2, 3)), np.zeros((2, 3, 4), "float32"))), 3)  # ln 4
    1.386
    """

    # What makes probabilities of the logits that this loss takes.
    activation = "softmax"

    def __init__(self, name="token_loss", dtype=None):
        super().__init__(name=name, reduction="mean_with_sample_weight", dtype=dtype)

    def call(self, y_true, y_pred):
        return ops.sparse_categorical_crossentropy(
            ops.cast(y_true, "int32"), y_pred, from_logits=True
        )

    def get_config(self):
        return {"name": self.name}


class _TokenMetric(keras.metrics.Mean):
    """The mean of a number that depends on the wrong tokens.

    Args:
        end_token: `None`, or the class that ends an answer. The tokens after it are
            padding, and do not count.
    """

    def __init__(self, end_token=None, name=None, dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.end_token = end_token

    def _wrong_and_counted(self, y_true, y_pred, sample_weight):
        """Returns where a token is wrong, and how much it counts: both `(B, T)`."""
        mask = mask_of(y_pred)
        y_true = steps_of(ops.cast(y_true, "int32"))  # (B, T)
        predicted = steps_of(ops.cast(ops.argmax(y_pred, axis=-1), "int32"))  # (B, T)
        is_nan = steps_of(ops.any(ops.isnan(y_pred), axis=-1))  # (B, T)
        counted = step_weights(y_true, sample_weight, mask, dtype=self.dtype)
        if self.end_token is not None:
            is_end = ops.cast(ops.equal(y_true, self.end_token), self.dtype) * counted
            ended_before = ops.cumsum(is_end, axis=-1) - is_end
            counted = ops.where(ended_before > 0, 0.0, counted)
        wrong = ops.not_equal(y_true, predicted) | is_nan
        return ops.cast(wrong, self.dtype), counted

    def get_config(self):
        return {**super().get_config(), "end_token": self.end_token}


@keras.saving.register_keras_serializable(package="keras_nm")
class WrongTokens(_TokenMetric):
    """The share of wrong tokens: 1 minus the accuracy.

    Args:
        end_token: `None` (default), or the class that ends an answer. The tokens after it
            are padding, and do not count.
        name: String.
        dtype: The metric's dtype policy.

    Example:

    >>> import keras_nm, numpy as np
    >>> metric = keras_nm.training.WrongTokens()
    >>> logits = np.array([[[0.0, 2.0], [3.0, 0.0]]], "float32")
    >>> float(metric(np.array([[1, 1]]), logits))
    0.5
    """

    def __init__(self, end_token=None, name="wrong_tokens", dtype=None):
        super().__init__(end_token, name=name, dtype=dtype)

    def update_state(self, y_true, y_pred, sample_weight=None):
        wrong, counted = self._wrong_and_counted(y_true, y_pred, sample_weight)
        # Flat, because Keras's mean counts a sequence as one sample.
        wrong, counted = (ops.reshape(x, (-1,)) for x in (wrong, counted))
        return super().update_state(wrong, sample_weight=counted)


@keras.saving.register_keras_serializable(package="keras_nm")
class ExactAnswers(_TokenMetric):
    """The share of sequences without a wrong token.

    Sequences without a token that counts are left out.

    Args:
        end_token: `None` (default), or the class that ends an answer. The tokens after it
            are padding, and do not count.
        name: String.
        dtype: The metric's dtype policy.

    Example:

    >>> import keras_nm, numpy as np
    >>> metric = keras_nm.training.ExactAnswers()
    >>> logits = np.array([[[0.0, 2.0]], [[3.0, 0.0]]], "float32")
    >>> float(metric(np.array([[1], [1]]), logits))
    0.5
    """

    def __init__(self, end_token=None, name="exact_answers", dtype=None):
        super().__init__(end_token, name=name, dtype=dtype)

    def update_state(self, y_true, y_pred, sample_weight=None):
        wrong, counted = self._wrong_and_counted(y_true, y_pred, sample_weight)
        return super().update_state(
            ops.equal(ops.sum(wrong * counted, axis=-1), 0),
            sample_weight=ops.any(counted > 0, axis=-1),
        )
