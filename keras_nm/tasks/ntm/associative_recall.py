"""The associative recall task (Graves et al. 2014, section 4.3)."""

from dataclasses import dataclass

import tensorflow as tf

from keras_nm.arguments import check_integer
from keras_nm.tasks.sequence_task import SequenceTask, channel, vectors_at


@dataclass(frozen=True, kw_only=True)
class AssociativeRecall(SequenceTask):
    """Recall which item of a list follows a given item.

    Three items of two vectors each. The second item is the query::

        time                 0  1  2  3  4  5  6  7  8  9 10 11 12 13 14
        x, bits              .  a  b  .  c  d  .  e  f  .  c  d  .  .  .
        x, item delimiter    1  .  .  1  .  .  1  .  .  .  .  .  .  .  .
        x, query delimiter   .  .  .  .  .  .  .  .  .  1  .  .  1  .  .
        y                    .  .  .  .  .  .  .  .  .  .  .  .  .  e  f
        sample_weight        .  .  .  .  .  .  .  .  .  .  .  .  .  1  1

    If several items equal the query, the first of them counts.

    Args:
        min_length: Integer of at least 2, the fewest items in a list. Defaults to `2`.
        max_length: Integer of at least 2, the most items in a list. Defaults to `6`.
        vectors_per_item: Positive integer. Defaults to `3`.
        num_bits: Positive integer, the number of bits in a vector. Defaults to `6`.

    Raises:
        ValueError: For sizes out of range, and if min_length > max_length.

    Example:

    >>> from keras_nm.tasks import ntm
    >>> task = ntm.AssociativeRecall(max_length=6)
    >>> x, y, sample_weight = next(iter(task.dataset(batch_size=16)))
    >>> task.input_size, task.output_size
    (8, 6)
    """

    max_length: int = 6
    vectors_per_item: int = 3
    num_bits: int = 6

    name = "associative_recall"
    smallest_length = 2

    def __post_init__(self):
        super().__post_init__()
        for size in ("vectors_per_item", "num_bits"):
            check_integer(size, getattr(self, size))

    @property
    def input_size(self):
        return self.num_bits + 2

    @property
    def output_size(self):
        return self.num_bits

    def num_timesteps(self, length):
        return (length + 1) * (self.vectors_per_item + 1) + 1 + self.vectors_per_item

    def sample(self, draws, lengths):
        size = self.vectors_per_item
        is_item = draws.first(lengths, self.max_length)
        items = draws.bits(is_item, size * self.num_bits)
        vectors = tf.reshape(items, (draws.batch_size, -1, self.num_bits))
        query = draws.integers(0, lengths - 1, 1)
        wanted = tf.gather(items, query, batch_dims=1)
        same = tf.reduce_all(tf.equal(items, wanted), axis=-1)
        found = tf.argmax(tf.cast(same, tf.int32), axis=1, output_type=tf.int32)
        following = found[:, tf.newaxis] + 1

        query_begins = lengths * (size + 1)
        query_ends = query_begins + size + 1
        time = self.time(query_ends + size + 1)
        is_delimiter = tf.equal(time % (size + 1), 0) & (time < query_begins)
        is_query = (time > query_begins) & (time < query_ends)
        is_query_delimiter = tf.equal(time, query_begins) | tf.equal(time, query_ends)
        is_answer = (time > query_ends) & (time <= query_ends + size)

        item_vector = time // (size + 1) * size + time % (size + 1) - 1
        query_vector = query * size + time - query_begins - 1
        x = [
            vectors_at(
                ((time < query_begins) & ~is_delimiter) | is_query,
                vectors,
                tf.where(is_query, query_vector, item_vector),
            ),
            channel(is_delimiter),
            channel(is_query_delimiter),
        ]
        y = vectors_at(is_answer, vectors, following * size + time - query_ends - 1)
        return tf.concat(x, axis=-1), y, tf.cast(is_answer, tf.float32)
