"""Scores a guess that does not look at the question."""

import numpy as np

from keras_nm.arguments import check_integer


def guess_accuracy(task, length, batch_size=128, num_batches=16, *, seed=0):
    """Measures the best answer that is the same for all questions of a length.

    A model that does not score better has learned nothing but where tokens stand. At each
    time step the guess is the most frequent class in the split `"train"`. It is scored on
    the split `"test"`. As in `keras_nm.training.WrongTokens`, tokens that come after the
    task's end token do not count.

    Args:
        task: `TokenTask`.
        length: Positive integer, the length of all examples.
        batch_size: Positive integer, the number of examples in a batch.
        num_batches: Positive integer, for each of the two splits.
        seed: Non-negative integer.

    Returns:
        Float, the share of right tokens.

    Raises:
        ValueError: For sizes out of range, and for a task that is not of tokens.

    Example:

    >>> from keras_nm.tasks import chomsky, guess_accuracy
    >>> accuracy = guess_accuracy(chomsky.BucketSort(), length=100)
    >>> round(accuracy, 2)
    0.86
    """
    if isinstance(task, type) or not hasattr(task, "num_classes"):
        raise ValueError(
            "`task` must be a TokenTask, such as those of keras_nm.tasks.chomsky and "
            f"keras_nm.tasks.stack. Received: task={task!r}"
        )
    check_integer("length", length, task.smallest_length)
    num_timesteps = task.with_lengths(length, length).num_timesteps(length)
    frequencies = {}
    for split in ("train", "test"):
        frequencies[split] = np.zeros((num_timesteps, task.num_classes))
        batches = task.evaluation_set(
            length, batch_size, num_batches, split=split, seed=seed
        )
        for _, y, weight in batches.as_numpy_iterator():
            found = class_frequencies(y, weight, task.num_classes, task.end_token)
            frequencies[split][: len(found)] += found
    guess = frequencies["train"].argmax(axis=1)  # (T,)
    right = np.take_along_axis(frequencies["test"], guess[:, np.newaxis], axis=1)
    return float(right.sum() / frequencies["test"].sum())


def class_frequencies(y, sample_weight, num_classes, end_token=None):
    """Counts the classes at each time step.

    Args:
        y: Integers `(B, T)`, the classes.
        sample_weight: `(B, T)`, how much each counts.
        num_classes: Integer.
        end_token: `None`, or the class after which nothing counts.

    Returns:
        float64 `(T, num_classes)`.
    """
    weight = np.asarray(sample_weight, "float64")
    if end_token is not None:
        is_end = (y == end_token) & (weight > 0)
        weight = np.where(np.cumsum(is_end, axis=1) > is_end, 0.0, weight)
    return np.einsum("bt,btc->tc", weight, np.eye(num_classes)[y])
