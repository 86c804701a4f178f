"""What every task has in common: endless, reproducible tf.data pipelines."""

import abc
from types import MappingProxyType

import tensorflow as tf

from keras_nm.arguments import check_choice, check_integer

# Splits share no key: their number goes into that of every batch.
SPLITS = MappingProxyType({"train": 0, "validation": 1, "test": 2})


class Task(abc.ABC):
    """A source of `(x, y, sample_weight)` batches made in the TensorFlow graph.

    Every batch is a pure function of (split, seed, index): the same on every machine,
    in any order, however it is sharded or resumed.

    Subclasses implement `sample` and `at_length`.
    """

    @abc.abstractmethod
    def sample(self, key, batch_size):
        """Makes one batch in graph.

        Args:
            key: int64 tensor of shape `(2,)`, the key of the batch's random numbers.
            batch_size: Integer, the number of examples.

        Returns:
            A tuple `(x, y, sample_weight)` of tensors, as `model.fit` takes them.
            `sample_weight` is 1 on what counts as answer and 0 elsewhere.
        """

    @abc.abstractmethod
    def at_length(self, length):
        """Gives the same task with all examples of one length."""

    def dataset(self, batch_size, seed=0, split="train", start=0, shard=(0, 1)):
        """Makes an endless dataset of batches.

        Args:
            batch_size: Positive integer, the number of examples in a batch.
            seed: Non-negative integer.
            split: `"train"`, `"validation"` or `"test"`.
            start: Non-negative integer, the index of the first batch, to resume after
                as many batches.
            shard: Pair `(index, count)`: every `count`-th batch from batch `index` on.

        Returns:
            A `tf.data.Dataset` of `(x, y, sample_weight)`, see `sample`.

        Raises:
            ValueError: For sizes out of range and unknown splits.
        """
        check_integer("batch_size", batch_size)
        check_integer("seed", seed, minimum=0)
        check_integer("start", start, minimum=0)
        split_number = SPLITS[check_choice("split", split, SPLITS)]
        shard_index, num_shards = _check_shard(shard)

        def batch(index):
            key = tf.random.fold_in(
                tf.constant([seed, split_number], tf.int64), index, alg="philox"
            )
            return self.sample(key, batch_size)

        first = shard_index + start * num_shards
        return (
            tf.data.Dataset.counter(first, num_shards)
            .map(batch, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
            .prefetch(tf.data.AUTOTUNE)
        )

    def evaluation_set(self, length, batch_size=64, num_batches=2, seed=0, split="test"):
        """Makes a finite dataset of examples of one length, drawn apart from training.

        Args:
            length: Positive integer, as in `at_length`.
            batch_size: Positive integer, the number of examples in a batch.
            num_batches: Positive integer.
            seed: Non-negative integer.
            split: `"test"` or `"validation"`.

        Returns:
            A `tf.data.Dataset` of `num_batches` batches.
        """
        check_integer("length", length)
        check_integer("num_batches", num_batches)
        task = self.at_length(length)
        return task.dataset(batch_size, seed, split).take(num_batches)


def _check_shard(shard):
    try:
        index, count = shard
        if 0 <= index < count:
            return check_integer("index", index, minimum=0), check_integer("count", count)
    except (TypeError, ValueError):
        pass
    raise ValueError(
        "`shard` must be a pair (index, count) of integers with index less than count. "
        f"Received: shard={shard!r}"
    )
