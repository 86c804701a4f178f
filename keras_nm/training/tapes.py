"""Losses and metrics for the answer tapes of a Neural Random-Access Machine.

All of them take `y_true`, the answer tape in integers `(batch, M)`, `y_pred`, the output
`(batch, M, 2 M + 1)` of an `NRAM` layer, and `sample_weight` `(batch, M)`, which is 1 on
the answer cells.
"""

import math

import keras
from keras import ops

from keras_nm.arguments import check_choice, check_positive
from keras_nm.layers.nram import split_outputs

LIKELIHOODS = ("expected_log", "log_expected")


@keras.saving.register_keras_serializable(package="keras_nm")
class TapeLoss(keras.losses.Loss):
    """Minus the log-likelihood of the answer cells, summed per tape, mean over the batch.

    p_t is the probability of stopping after step t, and y_i the answer in cell i (Kurach
    et al. 2016, section 3.3).

    Args:
        likelihood: `"expected_log"` (default), the paper's
            `-sum_t p_t sum_i log tape^(t)[i, y_i]`, or `"log_expected"`,
            `-sum_i log sum_t p_t tape^(t)[i, y_i]`.
        epsilon: Positive float. The logarithm of `"log_expected"` is
            `log(max(x, epsilon))`, and the likelihood of an answer outside 0..M-1 is
            epsilon. Defaults to `1e-10`.
        name: String.
        dtype: The loss's dtype policy.

    Raises:
        ValueError: For an unknown likelihood and an epsilon that is not positive.

    Example, for a machine that does nothing: it gives the two wrong cells a probability
    of 0, which counts as `epsilon`.

    >>> import keras_nm, numpy as np
    >>> layer = keras_nm.layers.NRAM(2, num_steps=1, gates=["READ", "ZERO"])
    >>> outputs = layer(np.array([[1, 2, 0]]))
    >>> loss = keras_nm.training.TapeLoss()
    >>> answer_cells = np.array([[1, 1, 0]])
    >>> round(float(loss(np.array([[2, 1, 1]]), outputs, sample_weight=answer_cells)), 2)
    46.05
    """

    def __init__(
        self, likelihood="expected_log", epsilon=1e-10, name="tape_loss", dtype=None
    ):
        # With the batch size divided out below, the sum of all cells is the mean of the
        # tapes' sums, and Keras applies weights to every cell.
        super().__init__(name=name, reduction="sum", dtype=dtype)
        self.likelihood = check_choice("likelihood", likelihood, LIKELIHOODS)
        self.epsilon = check_positive("epsilon", epsilon)

    def call(self, y_true, y_pred):
        parts = split_outputs(y_pred)
        if self.likelihood == "expected_log":
            impossible = math.log(self.epsilon)
            log_likelihood = _at_answer(parts["log_tape"], y_true, impossible)
        else:
            likelihood = _at_answer(parts["tape"], y_true, 0.0)
            log_likelihood = ops.log(ops.maximum(likelihood, self.epsilon))
        return -log_likelihood / ops.cast(ops.shape(y_pred)[0], y_pred.dtype)

    def get_config(self):
        return {"likelihood": self.likelihood, "epsilon": self.epsilon, "name": self.name}


@keras.saving.register_keras_serializable(package="keras_nm")
class WrongCells(keras.metrics.Mean):
    """The share of answer cells that are wrong, after argmax: the paper's error.

    Example:

    >>> import keras_nm, numpy as np
    >>> layer = keras_nm.layers.NRAM(2, num_steps=1, gates=["READ", "ZERO"])
    >>> outputs = layer(np.array([[1, 2, 0]]))
    >>> metric = keras_nm.training.WrongCells()
    >>> answer_cells = np.array([[1, 1, 0]])
    >>> float(metric(np.array([[1, 1, 1]]), outputs, sample_weight=answer_cells))
    0.5
    """

    def __init__(self, name="wrong_cells", dtype=None):
        super().__init__(name=name, dtype=dtype)

    def update_state(self, y_true, y_pred, sample_weight=None):
        return super().update_state(_wrong(y_true, y_pred), sample_weight)


@keras.saving.register_keras_serializable(package="keras_nm")
class ExactTapes(keras.metrics.Mean):
    """The share of tapes without a wrong answer cell, of those that have an answer cell.

    Example:

    >>> import keras_nm, numpy as np
    >>> layer = keras_nm.layers.NRAM(2, num_steps=1, gates=["READ", "ZERO"])
    >>> outputs = layer(np.array([[1, 2, 0], [1, 1, 0]]))
    >>> metric = keras_nm.training.ExactTapes()
    >>> answer_cells = np.array([[1, 1, 0], [1, 1, 0]])
    >>> answer = np.array([[1, 1, 1], [1, 1, 1]])
    >>> float(metric(answer, outputs, sample_weight=answer_cells))
    0.5
    """

    def __init__(self, name="exact_tapes", dtype=None):
        super().__init__(name=name, dtype=dtype)

    def update_state(self, y_true, y_pred, sample_weight=None):
        wrong = _wrong(y_true, y_pred)
        weight = ops.ones_like(wrong)
        if sample_weight is not None:
            sample_weight = ops.cast(sample_weight, weight.dtype)
            if len(sample_weight.shape) == 1:
                sample_weight = sample_weight[:, None]
            weight = weight * sample_weight
        exact = ops.all(ops.equal(wrong * weight, 0), axis=-1)
        return super().update_state(exact, ops.any(weight > 0, axis=-1))


@keras.saving.register_keras_serializable(package="keras_nm")
class MeanSteps(keras.metrics.Mean):
    """The mean over all tapes of the expected number of steps, `sum_t p_t t`.

    Example:

    >>> import keras_nm, numpy as np
    >>> layer = keras_nm.layers.NRAM(2, num_steps=1, gates=["READ", "ZERO"])
    >>> tape = np.array([[1, 2, 0]])
    >>> metric = keras_nm.training.MeanSteps()
    >>> float(metric(tape, layer(tape)))
    1.0
    """

    def __init__(self, name="mean_steps", dtype=None):
        super().__init__(name=name, dtype=dtype)

    def update_state(self, y_true, y_pred, sample_weight=None):
        return super().update_state(split_outputs(y_pred)["num_steps"])


def _at_answer(values, y_true, outside):
    """The entry of each cell's row `(B, M, M)` at its answer: `(B, M)`."""
    # Not a gather, whose gradient XLA scatters one element at a time.
    size = ops.shape(values)[-1]
    chosen = ops.equal(ops.cast(y_true, "int32")[:, :, None], ops.arange(size))
    entry = ops.sum(ops.where(chosen, values, 0), axis=-1)
    return ops.where(ops.any(chosen, axis=-1), entry, outside)


def _wrong(y_true, y_pred):
    answer = ops.cast(ops.argmax(y_pred, axis=-1), "int32")
    return ops.cast(ops.not_equal(answer, ops.cast(y_true, "int32")), "float32")
