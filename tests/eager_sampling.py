"""Batches of a task without its pipeline, whose graph takes longer than most examples.

`tasks/test_task.py` shows for every task that they are those of the pipeline.
"""

import tensorflow as tf

from keras_nm.tasks import SPLITS
from keras_nm.tasks.draws import Draws


def sampled(
    task, count, *, first=0, seed=0, split="train", pattern="random", draw_lengths=None
):
    """The examples of a task from an index on, as NumPy arrays `(x, y, sample_weight)`."""
    key = tf.constant([seed, SPLITS[split].stream], tf.int64)
    draws = Draws([key], tf.constant(first, tf.int64), count, pattern)
    lengths = (draw_lengths or task._draw_lengths)(draws)
    return tuple(array.numpy() for array in task.sample(draws, lengths))
