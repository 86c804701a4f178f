"""Cross-entropy and errors of calls: a loss and metrics.

All of them take decisions `y_true` `(batch, timesteps, 2 + arguments)` as integers: whether
the call ends, the next program, its arguments. `y_pred` is the output of an `NPI` layer,
`(batch, timesteps, units)`. `sample_weight` `(batch, timesteps)` is 1 on the steps that
count, or it is `(batch,)`, for whole calls.
"""

import keras
from keras import ops

from keras_nm.arguments import check_integers
from keras_nm.keras_internals import mask_of
from keras_nm.layers.choices import first_largest
from keras_nm.metrics.weights import StepLoss, step_weights, steps_of


def _parts(y_true, y_pred, argument_sizes):
    """Yields right classes `(B, T)` and logits `(B, T, classes)` of each choice.

    The end comes first, as a choice between going on, with a logit of 0, and ending.
    """
    y_true = ops.cast(y_true, "int32")
    num_programs = y_pred.shape[-1] - 1 - sum(argument_sizes)
    num_choices = 2 + len(argument_sizes)
    if num_programs < 1 or y_true.shape[-1] not in (None, num_choices):
        raise ValueError(
            "`argument_sizes` must be those of the NPI layer. With "
            f"argument_sizes={argument_sizes}, `y_true` has {num_choices} channels, and "
            f"`y_pred` has at least {2 + sum(argument_sizes)}. Received: y_true of shape "
            f"{tuple(y_true.shape)}, y_pred of shape {tuple(y_pred.shape)}"
        )
    end = y_pred[..., :1]  # (B, T, 1)
    yield y_true[..., 0], ops.concatenate([ops.zeros_like(end), end], axis=-1)
    start = 1
    for index, size in enumerate((num_programs, *argument_sizes)):
        yield y_true[..., index + 1], y_pred[..., start : start + size]
        start += size


@keras.saving.register_keras_serializable(package="keras_nm")
class CallLoss(StepLoss):
    """The cross-entropies of all choices of a step in nats, averaged over steps that count.

    The choices of a step are the end, the program and each argument (Reed and de Freitas
    2016, section 3.2, equation 8).

    Args:
        argument_sizes: Tuple of positive integers, how many values each argument has.
        name: String.
        dtype: The loss's dtype policy.

    Call arguments:
        y_true: Integers `(batch, timesteps, 2 + arguments)`: whether the call ends, the
            next program, its arguments.
        y_pred: The output of an `NPI` layer, `(batch, timesteps, units)`.
        sample_weight: Optional tensor `(batch, timesteps)`, 1 on the steps that count, or
            `(batch,)`, for whole calls.

    Raises:
        ValueError: For sizes that are not positive integers, and in a call for sizes that
            do not fit `y_true` and `y_pred`.

    Example:

    >>> import keras_nm, numpy as np
    >>> loss = keras_nm.training.CallLoss(argument_sizes=(4,))
    >>> y_pred = np.zeros((2, 5, 1 + 3 + 4), "float32")  # of three programs
    >>> round(float(loss(np.ones((2, 5, 3)), y_pred)), 3)  # ln 2 + ln 3 + ln 4
    3.178
    """

    # The outputs are logits of several choices, which no one activation suits.
    activation = None

    def __init__(self, argument_sizes, name="call_loss", dtype=None):
        super().__init__(name=name, reduction="mean_with_sample_weight", dtype=dtype)
        self.argument_sizes = check_integers("argument_sizes", argument_sizes)

    def call(self, y_true, y_pred):
        return sum(
            ops.sparse_categorical_crossentropy(right, logits, from_logits=True)
            for right, logits in _parts(y_true, y_pred, self.argument_sizes)
        )

    def get_config(self):
        return {"name": self.name, "argument_sizes": self.argument_sizes}


def wrong_steps(y_true, y_pred, argument_sizes):
    """Returns whether any choice of a step is wrong, booleans `(B, T)`."""
    wrong = ops.any(ops.isnan(y_pred), axis=-1)  # (B, T)
    for right, logits in _parts(y_true, y_pred, argument_sizes):
        wrong = wrong | ops.not_equal(first_largest(logits), right)
    return wrong


class _CallMetric(keras.metrics.Mean):
    """The mean of a number that depends on the steps with a wrong choice."""

    def __init__(self, argument_sizes, name=None, dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.argument_sizes = check_integers("argument_sizes", argument_sizes)

    def _wrong_and_counted(self, y_true, y_pred, sample_weight):
        """Returns where a step is wrong, and how much it counts: both `(B, T)`."""
        mask = mask_of(y_pred)
        wrong = steps_of(wrong_steps(y_true, y_pred, self.argument_sizes))  # (B, T)
        counted = step_weights(wrong, sample_weight, mask, dtype=self.dtype)
        return ops.cast(wrong, self.dtype), counted

    def get_config(self):
        return {**super().get_config(), "argument_sizes": self.argument_sizes}


@keras.saving.register_keras_serializable(package="keras_nm")
class WrongSteps(_CallMetric):
    """The share of steps with a wrong choice: the end, the program or an argument.

    It takes the same decisions, outputs and weights as `CallLoss`.

    Args:
        argument_sizes: Tuple of positive integers, how many values each argument has.
        name: String.
        dtype: The metric's dtype policy.

    Raises:
        ValueError: For sizes that are not positive integers, and in a call for sizes that
            do not fit `y_true` and `y_pred`.

    Example:

    >>> import keras_nm, numpy as np
    >>> metric = keras_nm.training.WrongSteps(argument_sizes=())
    >>> logits = np.array([[[-1.0, 2.0, 0.0], [-1.0, 2.0, 0.0]]], "float32")
    >>> float(metric(np.array([[[0, 0], [1, 0]]]), logits))
    0.5
    """

    def __init__(self, argument_sizes, name="wrong_steps", dtype=None):
        super().__init__(argument_sizes, name=name, dtype=dtype)

    def update_state(self, y_true, y_pred, sample_weight=None):
        wrong, counted = self._wrong_and_counted(y_true, y_pred, sample_weight)
        # Flat, because Keras's mean counts a sequence as one sample.
        wrong, counted = (ops.reshape(x, (-1,)) for x in (wrong, counted))
        return super().update_state(wrong, sample_weight=counted)


@keras.saving.register_keras_serializable(package="keras_nm")
class WrongCalls(_CallMetric):
    """The share of calls with a wrong step.

    It takes the same decisions, outputs and weights as `CallLoss`. Calls without a step
    that counts are left out.

    Args:
        argument_sizes: Tuple of positive integers, how many values each argument has.
        name: String.
        dtype: The metric's dtype policy.

    Raises:
        ValueError: For sizes that are not positive integers, and in a call for sizes that
            do not fit `y_true` and `y_pred`.

    Example:

    >>> import keras_nm, numpy as np
    >>> metric = keras_nm.training.WrongCalls(argument_sizes=())
    >>> logits = np.array([[[-1.0, 2.0, 0.0], [-1.0, 2.0, 0.0]]], "float32")
    >>> float(metric(np.array([[[0, 0], [1, 0]]]), logits))
    1.0
    """

    def __init__(self, argument_sizes, name="wrong_calls", dtype=None):
        super().__init__(argument_sizes, name=name, dtype=dtype)

    def update_state(self, y_true, y_pred, sample_weight=None):
        wrong, counted = self._wrong_and_counted(y_true, y_pred, sample_weight)
        return super().update_state(
            ops.greater(ops.sum(wrong * counted, axis=-1), 0),
            sample_weight=ops.any(counted > 0, axis=-1),
        )
