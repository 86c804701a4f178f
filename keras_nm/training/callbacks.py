"""Callbacks for `model.fit` that Keras does not have."""

import json
import os
import zipfile
from pathlib import Path

import keras
from keras import ops

from keras_nm.arguments import check_integer, check_positive
from keras_nm.training.tapes import DiscreteMachine

_RANDOM_STATE_FILE = "random_state.json"


class SaveModel(keras.callbacks.Callback):
    """Saves the whole model after every epoch, so that training can resume from it.

    The file is complete at any moment: it is written beside and moved into place. It
    holds the optimizer's state as well, whose `iterations` says which batch is next, and
    the state of random layers, which Keras does not save.

    Args:
        path: Path ending in `.keras`.
        curriculum: A `Curriculum`, to save its level as well. It comes before this one in
            the list of callbacks.

    Raises:
        ValueError: At the end of an epoch, if the curriculum comes later.
    """

    def __init__(self, path, curriculum=None):
        super().__init__()
        self.path = Path(path)
        self.curriculum = curriculum

    def on_epoch_end(self, epoch, logs=None):
        if self.curriculum is not None and "level" not in logs:
            raise ValueError("In the list of callbacks, SaveModel must follow Curriculum")
        partial = self.path.with_name(f"partial-{self.path.name}")
        self.model.save(partial)
        values = [state.numpy().tolist() for state in _random_states(self.model)]
        with zipfile.ZipFile(partial, "a") as file:
            file.writestr(_RANDOM_STATE_FILE, json.dumps(values))
        if self.curriculum is not None:
            self.curriculum.add_to(partial)
        os.replace(partial, self.path)


def restore_random_state(model, path):
    """Goes on with the random numbers of dropout and noise where training was saved.

    Args:
        model: The `keras.Model` that was loaded from the file.
        path: Path of a `.keras` file that `SaveModel` made.
    """
    with zipfile.ZipFile(path) as file:
        if _RANDOM_STATE_FILE not in file.namelist():  # saved by an earlier version
            return
        values = json.loads(file.read(_RANDOM_STATE_FILE))
    for state, value in zip(_random_states(model), values, strict=True):
        state.assign(value)


def _random_states(model):
    # Beside its weights, Keras counts the states of its random generators as variables.
    saved = {id(variable) for variable in model.weights}
    return [variable for variable in model.variables if id(variable) not in saved]


class StopBelow(keras.callbacks.Callback):
    """Stops training when all monitored numbers are below a threshold.

    Args:
        monitors: List of strings, keys of the epoch's logs.
        threshold: Float.

    Raises:
        ValueError: If there is nothing to monitor.
    """

    def __init__(self, monitors, threshold):
        super().__init__()
        if isinstance(monitors, str) or not monitors:
            raise ValueError(
                f"`monitors` must be a list of keys. Received: monitors={monitors!r}"
            )
        self.monitors = list(monitors)
        self.threshold = threshold

    def on_epoch_end(self, epoch, logs=None):
        if all(logs[monitor] < self.threshold for monitor in self.monitors):
            self.model.stop_training = True


class GradientNorm(keras.callbacks.Callback):
    """Logs the norm of the gradient, the mean over the steps of an epoch.

    That of all weights together, before the optimizer clips it. It is measured inside the
    training step and costs next to nothing. In the list of callbacks it comes before those
    that write logs.

    Raises:
        ValueError: At the beginning of training on Keras's JAX backend, whose training
            steps have no place to keep it.

    Example:

    >>> import keras, keras_nm, numpy as np
    >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> norm = keras_nm.training.GradientNorm()
    >>> history = model.fit(np.ones((4, 1)), np.ones((4, 1)), callbacks=[norm], verbose=0)
    >>> list(history.history)
    ['loss', 'gradient_norm']
    """

    def on_train_begin(self, logs=None):
        if keras.backend.backend() == "jax":
            raise ValueError("GradientNorm is for Keras's TensorFlow and torch backends")
        self._mean = mean = keras.metrics.Mean()
        self._optimizer = self.model.optimizer
        # Of losses that are scaled against underflow, the optimizer inside sees gradients.
        self._optimizer = getattr(self._optimizer, "inner_optimizer", self._optimizer)
        vars(self._optimizer).pop("apply", None)  # of a training that was interrupted
        apply = self._optimizer.apply

        def measure_and_apply(gradients, *arguments, **options):
            gradients = list(gradients)
            # Flat, so that the gradients of embeddings add up what is of one entry.
            flat = [ops.reshape(g, (-1,)) for g in gradients if g is not None]
            mean.update_state(ops.sqrt(sum(ops.sum(ops.square(g)) for g in flat)))
            return apply(gradients, *arguments, **options)

        self._optimizer.apply = measure_and_apply
        self.model.make_train_function(force=True)

    def on_epoch_begin(self, epoch, logs=None):
        self._mean.reset_state()

    def on_epoch_end(self, epoch, logs=None):
        logs["gradient_norm"] = float(self._mean.result())

    def on_train_end(self, logs=None):
        vars(self._optimizer).pop("apply", None)
        self.model.train_function = None


class DiscreteError(keras.callbacks.Callback):
    """Logs the share of wrong answer cells of a model's discrete machine.

    As `val_discrete_wrong_cells`. In the list of callbacks it comes before those that read
    or write logs.

    Args:
        layer: The `NRAM` that is the model's only layer.
        data: A finite `tf.data.Dataset` of `(tape, answer, answer_cells)`.
    """

    def __init__(self, layer, data):
        super().__init__()
        self.machine = DiscreteMachine(layer)
        self.data = data

    def on_epoch_end(self, epoch, logs=None):
        logs["val_discrete_wrong_cells"] = self.machine.error(self.data)


class EntropySchedule(keras.callbacks.Callback):
    """Changes the `entropy_weight` of an `NRAM` from epoch to epoch.

    A bonus on the entropy of the controller's choices keeps a machine from settling for a
    circuit before it has tried others (Kurach et al. 2016, appendix B). It decays, and a
    penalty at the end makes choices certain, so that the discrete machine does the same.

    Args:
        layer: An `NRAM` with an `entropy_weight`.
        half_life: Positive float, the number of training steps in which the layer's first
            entropy weight halves.
        penalty: Non-negative float, the entropy weight of the last training steps.
            Defaults to `0.0`.
        penalty_from: Non-negative integer, the training step from which on the penalty
            takes the place of the bonus. Defaults to `None`: never.

    Raises:
        ValueError: For a layer without an entropy weight, and arguments out of range.

    Example:

    >>> import keras, keras_nm
    >>> layer = keras_nm.layers.NRAM(2, num_steps=3, entropy_weight=-4.0)
    >>> schedule = keras_nm.training.EntropySchedule(layer, half_life=1500)
    """

    def __init__(self, layer, half_life, penalty=0.0, penalty_from=None):
        super().__init__()
        if layer.initial_entropy_weight is None:
            raise ValueError(
                "EntropySchedule takes an NRAM layer with an entropy weight: give it an "
                f"`entropy_weight`. Received: {layer}"
            )
        self.layer = layer
        self.half_life = check_positive("half_life", half_life)
        self.penalty = penalty if penalty == 0 else check_positive("penalty", penalty)
        if penalty_from is not None:
            penalty_from = check_integer("penalty_from", penalty_from, minimum=0)
        self.penalty_from = penalty_from

    def on_epoch_begin(self, epoch, logs=None):
        step = int(self.model.optimizer.iterations)
        weight = self.layer.initial_entropy_weight * 0.5 ** (step / self.half_life)
        if self.penalty_from is not None and step >= self.penalty_from:
            weight = self.penalty
        self.layer.entropy_weight.assign(ops.full(self.layer.entropy_weight.shape, weight))
