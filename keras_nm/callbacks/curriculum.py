"""Moves training from short examples to long ones, as fast as the model learns them."""

import json
import zipfile

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from keras_nm.arguments import check_integer, check_positive

_STATE_FILE = "curriculum.json"


class Curriculum(keras.callbacks.Callback):
    """Trains on examples around a level, which rises when the error is small.

    Of all examples, 10 % have any length of the task, 25 % have a length of up to `D + e`,
    and 65 % have the length `D + e`. `D` is the level. `e` is 0 with probability 1/2, 1
    with probability 1/4, and so on (Kurach et al. 2016, appendix B). No length exceeds the
    task's largest.

    The level begins at the task's smallest length. The callback checks the error at the end
    of every epoch, so epochs should be short. The level then rises by 1 at most. Every
    epoch logs it as `level`. In the list of callbacks, put those that write logs after
    this one.

    Args:
        task: A `keras_nm.tasks.Task`, which defines the smallest and the largest length.
        monitor: String, the key in the logs of the error, such as `"wrong_cells"`.
        threshold: Positive float. The level rises after an epoch with a smaller error.
        min_batches: Non-negative integer. The level stays for at least this many updates of
            the weights. With `gradient_accumulation_steps`, an update takes several
            batches. Defaults to `0`.
        num_replicas: `None` (default), or a number K: each machine of an `NRAM` with
            `num_replicas` has its own level, and `monitor` is a metric with `num_replicas`.

    Raises:
        ValueError: For arguments out of range, for a task of one length, and, at the end of
            an epoch, if its logs do not have the `monitor`.

    Example:

    >>> import keras, keras_nm
    >>> task = keras_nm.tasks.nram.Increment(max_length=8)
    >>> curriculum = keras_nm.training.Curriculum(task, "wrong_cells", threshold=0.1)
    >>> tape = keras.Input((None,), dtype="int32")
    >>> model = keras.Model(tape, keras_nm.layers.NRAM(4, num_steps=2)(tape))
    >>> model.compile(
    ...     "adam",
    ...     keras_nm.training.TapeLoss(),
    ...     weighted_metrics=[keras_nm.training.WrongCells()],
    ... )
    >>> data = task.dataset(batch_size=4, draw_lengths=curriculum.draw_lengths)
    >>> history = model.fit(
    ...     data, steps_per_epoch=2, callbacks=[curriculum], shuffle=False, verbose=0
    ... )
    >>> history.history["level"]
    [1]
    """

    def __init__(self, task, monitor, threshold, min_batches=0, num_replicas=None):
        super().__init__()
        if task.min_length == task.max_length:
            raise ValueError(
                "A curriculum needs a task of several lengths: give it a smaller "
                f"`min_length`. Received: {task}"
            )
        self.task = task
        self.monitor = monitor
        self.threshold = check_positive("threshold", threshold)
        self.min_batches = check_integer("min_batches", min_batches, minimum=0)
        self.num_replicas = None
        if num_replicas is not None:
            self.num_replicas = check_integer("num_replicas", num_replicas)
        shape = () if num_replicas is None else (num_replicas,)
        # Not a Keras variable, because pipelines run in TensorFlow on all backends.
        levels = tf.fill(shape, tf.constant(task.min_length, tf.int32))
        self._level = tf.Variable(levels, trainable=False)
        self._risen_at = np.zeros(shape, np.int64)

    @property
    def level(self):
        """Integer, the level D, or an array `(K,)` with one level per replica."""
        level = self._level.numpy()
        return int(level) if self.num_replicas is None else level

    def draw_lengths(self, draws):
        """Draws the lengths of a batch's examples at the current level.

        Args:
            draws: A `keras_nm.tasks.draws.Draws`.

        Returns:
            int32 tensor `(B, 1)`.
        """
        smallest, largest = self.task.min_length, self.task.max_length
        kind, chance = draws.uniform(1), draws.uniform(1)
        e = tf.floor(
            -tf.math.log(1 - draws.uniform(1)) / tf.math.log(tf.cast(2, tf.float64))
        )
        level = tf.reshape(self._level, (-1, 1))
        level = tf.repeat(level, draws.batch_size // level.shape[0], axis=0)
        top = tf.minimum(level + tf.cast(e, tf.int32), largest)
        highest = tf.where(kind < 0.1, largest, top)
        span = tf.cast(highest - smallest + 1, tf.float64)
        up_to_highest = smallest + tf.cast(tf.floor(chance * span), tf.int32)
        return tf.where(kind < 0.35, up_to_highest, top)

    def on_epoch_end(self, epoch, logs=None):
        if self.monitor not in logs:
            raise ValueError(
                f"`monitor` must be one of the logs: {', '.join(map(repr, logs))}. "
                f"Received: monitor={self.monitor!r}"
            )
        steps = int(ops.convert_to_numpy(self.model.optimizer.iterations))
        small = np.asarray(logs[self.monitor]) < self.threshold
        rises = small & (steps - self._risen_at >= self.min_batches)
        self._level.assign(np.minimum(self.level + rises, self.task.max_length))
        self._risen_at = np.where(rises, steps, self._risen_at)
        logs["level"] = self.level

    def add_to(self, path):
        """Adds the state to a file that `keras.Model.save` made.

        Args:
            path: Path of a `.keras` file.
        """
        state = {
            "level": self._level.numpy().tolist(),
            "risen_at": self._risen_at.tolist(),
        }
        with zipfile.ZipFile(path, "a") as file:
            file.writestr(_STATE_FILE, json.dumps(state))

    def restore(self, path):
        """Restores the state from a `.keras` file that `SaveModel` made.

        Args:
            path: Path.

        Raises:
            ValueError: If the file has no state, or the state of another task.
        """
        if not zipfile.is_zipfile(path):
            raise ValueError(f"{path} is not a file that SaveModel made")
        with zipfile.ZipFile(path) as file:
            if _STATE_FILE not in file.namelist():
                raise ValueError(
                    f"{path} was not saved with a curriculum. Save it with "
                    "SaveModel(path, curriculum)"
                )
            state = json.loads(file.read(_STATE_FILE))
        level, task = state["level"], self.task
        if np.any(np.clip(level, task.min_length, task.max_length) != level):
            raise ValueError(
                f"The level in {path} must be a length from {task.min_length} to "
                f"{task.max_length}. Received: level={level}"
            )
        self._level.assign(level)
        self._risen_at = np.asarray(state["risen_at"])
