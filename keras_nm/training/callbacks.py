"""Callbacks for `model.fit` that Keras does not have."""

import os
from pathlib import Path

import keras
from keras import ops


class SaveModel(keras.callbacks.Callback):
    """Saves the whole model after every epoch, so that training can resume from it.

    The file is complete at any moment: it is written beside and moved into place. It
    holds the optimizer's state as well, whose `iterations` says which batch is next.

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
        if self.curriculum is not None:
            self.curriculum.add_to(partial)
        os.replace(partial, self.path)


class StopBelow(keras.callbacks.Callback):
    """Stops training when a monitored number falls below a threshold.

    Args:
        monitor: String, a key of the epoch's logs.
        threshold: Float.
    """

    def __init__(self, monitor, threshold):
        super().__init__()
        self.monitor = monitor
        self.threshold = threshold

    def on_epoch_end(self, epoch, logs=None):
        if logs[self.monitor] < self.threshold:
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
