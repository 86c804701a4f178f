"""Losses and metrics for the answer tapes of a Neural Random-Access Machine.

All of them take `y_true`, the answer tape in integers `(batch, M)`, `y_pred`, the output
`(batch, M, 2 M + 1)` of an `NRAM` layer, and `sample_weight` `(batch, M)`, which is 1 on
the answer cells, or `(batch,)` for whole tapes.
"""

import math

import keras
import numpy as np
from keras import ops

from keras_nm.arguments import check_choice, check_epsilon, check_integer, check_positive
from keras_nm.keras_internals import scale_loss_for_distribution
from keras_nm.layers.nram import split_outputs
from keras_nm.metrics.weights import StepLoss, step_weights

LIKELIHOODS = ("expected_log", "log_expected")


@keras.saving.register_keras_serializable(package="keras_nm")
class TapeLoss(StepLoss):
    """Negative log-likelihood of the answer cells, summed per tape, averaged over tapes.

    p_t is the probability of stopping after step t, and y_i is the answer in cell i
    (Kurach et al. 2016, section 3.3).

    Args:
        likelihood: `"expected_log"` (default), the paper's
            `-sum_t p_t sum_i log tape^(t)[i, y_i]`, or `"log_expected"`,
            `-sum_i log sum_t p_t tape^(t)[i, y_i]`.
        epsilon: Float of at least 1.2e-38. The logarithm of `"log_expected"` is
            `log(max(x, epsilon))`, and the likelihood of an answer outside 0..M-1 is
            epsilon. Defaults to `1e-10`.
        name: String.
        dtype: The loss's dtype policy.

    Raises:
        ValueError: For an unknown likelihood, or an epsilon that is too small.

    Example, for a machine that does nothing. It gives the right answers of the two wrong
    cells a probability of 0, which counts as `epsilon`:

    >>> import keras_nm, numpy as np
    >>> layer = keras_nm.layers.NRAM(2, num_steps=1, gates=["READ", "ZERO"])
    >>> outputs = layer(np.array([[1, 2, 0]]))
    >>> loss = keras_nm.training.TapeLoss()
    >>> answer_cells = np.array([[1, 1, 0]])
    >>> round(float(loss(np.array([[2, 1, 1]]), outputs, sample_weight=answer_cells)), 2)
    46.05
    """

    activation = None  # an `NRAM` outputs probabilities

    def __init__(
        self, likelihood="expected_log", epsilon=1e-10, name="tape_loss", dtype=None
    ):
        # `call` divides by the batch size, so the sum over all cells is the mean of the
        # tapes' sums. Like this, Keras applies weights to every cell.
        super().__init__(name=name, reduction="sum", dtype=dtype)
        self.likelihood = check_choice("likelihood", likelihood, LIKELIHOODS)
        self.epsilon = check_epsilon(epsilon)

    def call(self, y_true, y_pred):
        parts = split_outputs(y_pred)
        if self.likelihood == "expected_log":
            impossible = math.log(self.epsilon)
            log_likelihood = _at_answer(parts["log_tape"], y_true, impossible)
        else:
            likelihood = _at_answer(parts["tape"], y_true, 0.0)
            log_likelihood = ops.log(ops.maximum(likelihood, self.epsilon))
        batch_size = ops.cast(ops.shape(y_pred)[0], y_pred.dtype)
        return scale_loss_for_distribution(-log_likelihood / batch_size)

    def get_config(self):
        return {"likelihood": self.likelihood, "epsilon": self.epsilon, "name": self.name}


@keras.saving.register_keras_serializable(package="keras_nm")
class StepPenalty(keras.regularizers.Regularizer):
    """Adds the mean number of steps to the loss: the `activity_regularizer` of an `NRAM`.

    Args:
        weight: Positive float, the cost of a step.

    Example:

    >>> import keras_nm, numpy as np
    >>> penalty = keras_nm.training.StepPenalty(0.5)
    >>> layer = keras_nm.layers.NRAM(2, num_steps=1, activity_regularizer=penalty)
    >>> outputs = layer(np.array([[1, 2, 0]]))
    >>> float(layer.losses[0])
    0.5
    """

    def __init__(self, weight):
        self.weight = check_positive("weight", weight)

    def __call__(self, outputs):
        # Keras divides by the batch size.
        return self.weight * ops.sum(split_outputs(outputs)["num_steps"])

    def get_config(self):
        return {"weight": self.weight}


class TapeMetric(keras.metrics.Metric):
    """The mean of a number that every tape, or every cell of a tape, has.

    Args:
        name: String.
        num_replicas: `None` (default), or a number K: the result is then a tensor `(K,)`,
            one number for the tapes of each machine of an `NRAM` with `num_replicas`.
        dtype: The metric's dtype policy.
    """

    def __init__(self, name, num_replicas=None, dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.num_replicas = None
        if num_replicas is not None:
            self.num_replicas = check_integer("num_replicas", num_replicas)
        shape = () if self.num_replicas is None else (self.num_replicas,)
        self.total = self.add_variable(shape, "zeros", dtype=self.dtype, name="total")
        self.count = self.add_variable(shape, "zeros", dtype=self.dtype, name="count")

    def add(self, values, weights=None):
        """Adds values `(batch, ...)` to the mean, with weights of the same shape."""
        values = ops.cast(values, self.dtype)
        weights = (
            ops.ones_like(values) if weights is None else ops.cast(weights, self.dtype)
        )
        shape = (self.num_replicas or 1, -1)
        for variable, x in ((self.total, values * weights), (self.count, weights)):
            sums = ops.sum(ops.reshape(x, shape), axis=1)
            variable.assign_add(ops.reshape(sums, variable.shape))

    def result(self):
        return ops.divide_no_nan(self.total, self.count)

    def get_config(self):
        return {**super().get_config(), "num_replicas": self.num_replicas}


@keras.saving.register_keras_serializable(package="keras_nm")
class WrongCells(TapeMetric):
    """The share of wrong answer cells, after argmax: the paper's error.

    Args:
        name: String.
        num_replicas: `None`, or a number: one result per machine.
        dtype: The metric's dtype policy.

    Example:

    >>> import keras_nm, numpy as np
    >>> layer = keras_nm.layers.NRAM(2, num_steps=1, gates=["READ", "ZERO"])
    >>> outputs = layer(np.array([[1, 2, 0]]))
    >>> metric = keras_nm.training.WrongCells()
    >>> answer_cells = np.array([[1, 1, 0]])
    >>> float(metric(np.array([[1, 1, 1]]), outputs, sample_weight=answer_cells))
    0.5
    """

    def __init__(self, name="wrong_cells", num_replicas=None, dtype=None):
        super().__init__(name, num_replicas, dtype)

    def update_state(self, y_true, y_pred, sample_weight=None):
        wrong = _wrong(y_true, y_pred, self.dtype)
        self.add(wrong, step_weights(wrong, sample_weight, dtype=self.dtype))


@keras.saving.register_keras_serializable(package="keras_nm")
class ExactTapes(TapeMetric):
    """The share of tapes without a wrong answer cell, among tapes that have answer cells.

    Args:
        name: String.
        num_replicas: `None`, or a number: one result per machine.
        dtype: The metric's dtype policy.

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

    def __init__(self, name="exact_tapes", num_replicas=None, dtype=None):
        super().__init__(name, num_replicas, dtype)

    def update_state(self, y_true, y_pred, sample_weight=None):
        wrong = _wrong(y_true, y_pred, self.dtype)
        weight = step_weights(wrong, sample_weight, dtype=self.dtype)
        exact = ops.all(ops.equal(wrong * weight, 0), axis=-1)
        self.add(exact, ops.any(weight > 0, axis=-1))


@keras.saving.register_keras_serializable(package="keras_nm")
class MeanSteps(TapeMetric):
    """The mean over all tapes of the expected number of steps, `sum_t p_t t`.

    Args:
        name: String.
        num_replicas: `None`, or a number: one result per machine.
        dtype: The metric's dtype policy.

    Example:

    >>> import keras_nm, numpy as np
    >>> layer = keras_nm.layers.NRAM(2, num_steps=1, gates=["READ", "ZERO"])
    >>> tape = np.array([[1, 2, 0]])
    >>> metric = keras_nm.training.MeanSteps()
    >>> float(metric(tape, layer(tape)))
    1.0
    """

    def __init__(self, name="mean_steps", num_replicas=None, dtype=None):
        super().__init__(name, num_replicas, dtype)

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.add(split_outputs(y_pred)["num_steps"])


class DiscreteMachine(keras.Model):
    """An `NRAM` that makes its choices by argmax, as a model from tapes to tapes.

    Args:
        layer: The `NRAM`.
        num_steps: As in a call of the layer.
    """

    def __init__(self, layer, num_steps=None):
        super().__init__(name="discrete_machine")
        self.layer = layer
        self.num_steps = num_steps

    def call(self, tape):
        return self.layer.run_integers(tape, self.num_steps)["tape"]

    def error(self, data):
        """Measures the machine's share of wrong answer cells.

        Args:
            data: A finite `tf.data.Dataset` of `(tape, answer, answer_cells)`.

        Returns:
            A float, or with `num_replicas` an array `(K,)`.
        """
        num_replicas = self.layer.cell.num_replicas
        shape = (num_replicas or 1, -1)
        wrong, count = 0, 0
        for tape, answer, answer_cells in data.as_numpy_iterator():
            result = self.predict_on_batch(tape)
            weights = step_weights(answer, answer_cells, dtype="float32")  # (B, M)
            weights = ops.convert_to_numpy(weights)
            wrong += np.sum(((result != answer) * weights).reshape(shape), axis=1)
            count += np.sum(weights.reshape(shape), axis=1)
        share = wrong / count
        return share if num_replicas else float(share[0])


def discrete_wrong_cells(layer, call_options):
    """Makes the measure of an `NRAM` that makes its choices by argmax.

    Args:
        layer: The `NRAM`.
        call_options: Dict with the arguments of the layer's call other than the tape.

    Returns:
        A function from a finite `tf.data.Dataset` of `(tape, answer, answer_cells)` to the
        share of wrong answer cells: a float, or with `num_replicas` an array `(K,)`. It is
        compiled at its first call.

    Raises:
        ValueError: If the number of steps is an output of another layer.
    """
    num_steps = call_options.get("num_steps")
    if isinstance(num_steps, keras.KerasTensor):
        raise ValueError(
            "The discrete machine is measured with a number of steps that does not depend "
            "on the model's inputs, such as num_steps=10 in the layer's call. Received: "
            f"num_steps={num_steps!r}"
        )
    return DiscreteMachine(layer, num_steps).error


def _at_answer(values, y_true, outside):
    """Returns the entry of each cell's row `(B, M, M)` at its answer: `(B, M)`."""
    # This is not a gather, because XLA scatters its gradient one element at a time.
    size = ops.shape(values)[-1]
    chosen = ops.equal(ops.cast(y_true, "int32")[:, :, None], ops.arange(size))
    entry = ops.sum(ops.where(chosen, values, 0), axis=-1)  # (B, M)
    return ops.where(ops.any(chosen, axis=-1), entry, outside)


def _wrong(y_true, y_pred, dtype):
    answer = ops.cast(ops.argmax(y_pred, axis=-1), "int32")
    wrong = ops.not_equal(answer, ops.cast(y_true, "int32"))  # (B, M)
    return ops.cast(wrong | ops.any(ops.isnan(y_pred), axis=-1), dtype)
