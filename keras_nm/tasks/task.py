"""The base of every task: endless, reproducible tf.data pipelines."""

import abc
import dataclasses
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar

import numpy as np
import tensorflow as tf

from keras_nm.arguments import check_choice, check_integer
from keras_nm.tasks.draws import PATTERNS, Draws


@dataclass(frozen=True)
class Split:
    """A set of examples with its own random numbers.

    Args:
        stream: Integer, different for each split, so that splits share no random numbers.
        num_examples: Integer, the number of examples in a frozen dataset. (A pipeline is
            endless.)
        beyond_training: Boolean, whether the split's examples in a frozen dataset are
            longer than the training examples. (A pipeline has the lengths of its task.)
    """

    stream: int
    num_examples: int
    beyond_training: bool = False


SPLITS = MappingProxyType(
    {
        "train": Split(0, 10_000),
        "validation": Split(1, 1_000),
        "test": Split(2, 1_000),
        "long": Split(3, 1_000, beyond_training=True),
    }
)


@dataclass(frozen=True, kw_only=True)
class Task(abc.ABC):
    """A source of `(x, y, sample_weight)` batches made in the TensorFlow graph.

    Every example is a pure function of the task, the split, the seed and its index. It is
    the same on every machine, in any order and in batches of any size. A batch may contain
    examples of different lengths. The length of an example says how hard it is.

    Subclasses are frozen dataclasses. They have the class attributes `name` and
    `smallest_length`, and implement `sample`. They may override `evaluation_size`,
    `with_room_for` and `unpadded`.

    Args:
        min_length: Positive integer, the length of the shortest examples. Defaults to the
            task's smallest length.
        max_length: Positive integer, the length of the longest examples.

    Raises:
        ValueError: For lengths out of range, and if min_length > max_length.
    """

    min_length: int | None = None
    max_length: int = 10

    name: ClassVar[str]
    smallest_length: ClassVar[int] = 1
    # The distance between two lengths that examples can have.
    length_step: ClassVar[int] = 1
    # The examples to measure a model on, at every length: batch size, number of batches.
    evaluation_size: ClassVar[tuple[int, int]] = (64, 2)

    def __post_init__(self):
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if isinstance(value, np.integer):  # TensorFlow would take it for an int64
                object.__setattr__(self, field.name, int(value))
        if self.min_length is None:
            object.__setattr__(self, "min_length", self.smallest_length)
        for length in ("max_length", "min_length"):
            check_integer(length, getattr(self, length), self.smallest_length)
        if self.min_length > self.max_length:
            raise ValueError(
                "`min_length` must be at most `max_length`. Received: "
                f"min_length={self.min_length}, max_length={self.max_length}"
            )

    @abc.abstractmethod
    def sample(self, draws, lengths):
        """Makes one batch in the graph.

        Args:
            draws: `Draws`, the source of all random numbers.
            lengths: int32 tensor `(B, 1)`, the length of each example.

        Returns:
            A tuple `(x, y, sample_weight)` of tensors, as `model.fit` takes them.
            `sample_weight` is 1 for the steps or cells that count as the answer and 0
            elsewhere.
        """

    def with_lengths(self, min_length, max_length):
        """Returns the same task with examples of other lengths.

        Options that make an example depend on its batch, such as `buckets` and
        `one_length_per_batch`, are left out.

        Args:
            min_length: Positive integer.
            max_length: Positive integer.

        Returns:
            A `Task`.

        Raises:
            ValueError: For lengths out of range, and if min_length > max_length.
        """
        return dataclasses.replace(self, min_length=min_length, max_length=max_length)

    def with_room_for(self, min_length, max_length):
        """Returns the task with other lengths and at least as much spare room as now."""
        return self.with_lengths(min_length, max_length)

    def unpadded(self, arrays):
        """Removes the padding from the arrays of one example, `(x, y, sample_weight)`."""
        return arrays

    def dataset(
        self,
        batch_size,
        *,
        seed=0,
        split="train",
        start=0,
        shard=(0, 1),
        num_batches=None,
        pattern="random",
        draw_lengths=None,
    ):
        """Makes a dataset of batches, which is endless by default.

        Args:
            batch_size: Positive integer, the number of examples per seed in a batch.
            seed: Non-negative integer, or a list of K such integers. With a list, a batch
                has `K * batch_size` examples: first the batch of the first seed, and so on.
            split: `"train"`, `"validation"`, `"test"` or `"long"`: four sources that
                share no random numbers. All of them have the lengths of the task.
            start: Non-negative integer, the index of the first batch, to resume after
                this many batches.
            shard: Pair `(index, count)`: every `count`-th batch from batch `index` on.
            num_batches: Optional positive integer, the number of batches. By default, there
                is no end.
            pattern: The pattern of the examples' data: `"random"`, all `"equal"`,
                `"sorted"`, `"reversed"` or all the `"highest"` value.
            draw_lengths: Function from `Draws` to the lengths of a batch's examples, int32
                `(B, 1)`, such as `keras_nm.training.Curriculum.draw_lengths`. Batches are
                then made one by one on request, so it is clear which of them follow a
                change of the function's state. By default, all lengths of the task are
                equally likely.

        Returns:
            A `tf.data.Dataset` of `(x, y, sample_weight)`, see `sample`. TensorFlow's
            automatic tuning is off for it, and for what is made from it.

        Raises:
            ValueError: For sizes out of range and unknown splits or patterns.
        """
        check_integer("batch_size", batch_size)
        seeds = list(seed) if isinstance(seed, list | tuple | range) else [seed]
        if not seeds:
            raise ValueError(
                "`seed` must be an integer or a non-empty list of integers. Received: []"
            )
        for each in seeds:
            check_integer("seed", each, minimum=0, maximum=2**63 - 1)
        check_integer("start", start, minimum=0)
        check_choice("pattern", pattern, PATTERNS)
        stream = SPLITS[check_choice("split", split, SPLITS)].stream
        shard_index, num_shards = _check_shard(shard)

        # No task has Python control flow over tensors, and searching for it takes longer
        # than everything else before the first batch.
        @tf.autograph.experimental.do_not_convert
        def batch(index):
            keys = [tf.constant([each, stream], tf.int64) for each in seeds]
            draws = Draws(keys, index * batch_size, batch_size, pattern)
            lengths = (draw_lengths or self._draw_lengths)(draws)
            if draw_lengths is not None:
                lengths = self._checked(_as_int32(lengths, draws.batch_size))
            return self.sample(draws, self._shared_lengths(draws, lengths))

        first = shard_index + start * num_shards
        indices = tf.data.Dataset.counter(first, num_shards)
        if num_batches is not None:
            # Before the batches are made: they are made ahead.
            indices = indices.take(check_integer("num_batches", num_batches))
        options = tf.data.Options()
        # With a buffer that TensorFlow tunes, who ends an iterator, as `model.fit` does,
        # may wait for the tuner, which sleeps for up to a minute. So it is off.
        options.autotune.enabled = False
        if draw_lengths is None:
            batches = indices.map(batch, tf.data.AUTOTUNE, deterministic=True).prefetch(2)
        else:
            options.experimental_optimization.inject_prefetch = False
            batches = indices.map(batch)
        return batches.with_options(options)

    def _draw_lengths(self, draws):
        return draws.integers(self.min_length, self.max_length + 1, 1)

    def _shared_lengths(self, draws, lengths):
        """Returns the lengths of the examples, from those that were drawn for each."""
        return lengths

    def _checked(self, lengths):
        message = f"`draw_lengths` must return lengths from {self.smallest_length} to "
        message += f"{self.max_length}"
        fits = (lengths >= self.smallest_length) & (lengths <= self.max_length)
        with tf.control_dependencies([tf.debugging.Assert(tf.reduce_all(fits), [message])]):
            return tf.identity(lengths)

    def evaluation_set(
        self,
        length=None,
        batch_size=64,
        num_batches=2,
        *,
        seed=0,
        split="test",
        start=0,
        pattern="random",
    ):
        """Makes a finite dataset of held-out examples.

        Args:
            length: Positive integer, the length of all examples. By default, all lengths of
                the task are equally likely.
            batch_size: Positive integer, the number of examples in a batch.
            num_batches: Positive integer.
            seed: Non-negative integer.
            split: As in `dataset`.
            start: As in `dataset`.
            pattern: As in `dataset`.

        Returns:
            A `tf.data.Dataset` of `num_batches` batches.

        Raises:
            ValueError: For sizes out of range and unknown splits or patterns.
        """
        lengths = (self.min_length, self.max_length)
        if length is not None:
            lengths = (check_integer("length", length, self.smallest_length),) * 2
        task = self.with_lengths(*lengths)
        return task.dataset(
            batch_size,
            seed=seed,
            split=split,
            start=start,
            num_batches=check_integer("num_batches", num_batches),
            pattern=pattern,
        )

    def structured_sets(self, batch_size=64, *, seed=0, split="test"):
        """Makes evaluation sets of cases that hardly ever occur in random examples.

        Args:
            batch_size: Positive integer, the number of examples of each case.
            seed: Non-negative integer.
            split: As in `dataset`.

        Returns:
            A dict from the name of a case to a `tf.data.Dataset` of one batch: all data
            `"equal"`, `"sorted"`, `"reversed"` or the `"highest"` value (M - 1 on a tape
            of M cells, where incrementing wraps around); the `"shortest"` and the
            `"longest"` examples of the task; and examples of the `"smallest"` length that
            the task can have, which is one element in most tasks.
        """
        sets = {}
        for pattern in PATTERNS[1:]:
            sets[pattern] = {"length": None, "pattern": pattern}
        sets["shortest"] = {"length": self.min_length}
        sets["longest"] = {"length": self.max_length}
        sets["smallest"] = {"length": self.smallest_length}
        common = {"batch_size": batch_size, "num_batches": 1, "seed": seed, "split": split}
        return {name: self.evaluation_set(**case, **common) for name, case in sets.items()}


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


def _as_int32(lengths, batch_size):
    """Returns what a user's `draw_lengths` returned, as a tensor `(batch_size, 1)`."""
    lengths = tf.convert_to_tensor(lengths)
    if not lengths.dtype.is_integer:
        raise ValueError(
            "`draw_lengths` must return integers. Received: lengths of dtype "
            f"{lengths.dtype.name}"
        )
    return tf.ensure_shape(tf.cast(lengths, tf.int32), (batch_size, 1))
