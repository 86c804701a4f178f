"""The key-value retrieval task, both ways (Csordás and Schmidhuber 2019, section 4)."""

from dataclasses import dataclass

import tensorflow as tf

from keras_nm.arguments import check_integer
from keras_nm.tasks.sequence_task import SequenceTask, channel, vectors_at


@dataclass(frozen=True, kw_only=True)
class KeyValue(SequenceTask):
    """Tell the values of given keys, and the keys of given values.

    Three pairs of a key and a value: a and p, b and q, c and r::

        time                0  1  2  3  4  5  6  7  8  9 10
        x, bits of keys     a  b  c  .  b  c  a  .  .  .  .
        x, bits of values   p  q  r  .  .  .  .  .  r  p  q
        x, key delimiter    .  .  .  1  .  .  .  .  .  .  .
        x, value delimiter  .  .  .  .  .  .  .  1  .  .  .
        y                   .  .  .  .  q  r  p  .  c  a  b
        sample_weight       .  .  .  .  1  1  1  .  1  1  1

    After the first delimiter come all keys in random order, and after the second all
    values in another random order. The answer is due at the same time step.

    No two keys of an example are equal, and no two values. So the patterns of `dataset`
    are orders of the pairs: `"reversed"` sorts keys and values in descending order, and
    every other pattern but `"random"` in ascending order.

    The sizes are those of the code of Csordás and Schmidhuber 2019. There, values may be
    equal, though a value may then have two keys, values that are asked for stand in the
    channels of the keys, pairs come in the order of their keys, and a last step has both
    delimiters.

    Args:
        min_length: Integer of at least 2, the fewest pairs. Defaults to `2`.
        max_length: Integer of at least 2, the most pairs, up to `2 ** num_bits`. Defaults
            to `16`.
        num_bits: Integer from 1 to 12, the number of bits in a key, and in a value.
            Defaults to `6`.

    Raises:
        ValueError: For sizes out of range, and if min_length > max_length.

    Example:

    >>> from keras_nm.tasks import dnc
    >>> task = dnc.KeyValue(max_length=4)
    >>> x, y, sample_weight = next(iter(task.dataset(batch_size=16)))
    >>> task.input_size, task.output_size
    (14, 6)
    """

    max_length: int = 16
    num_bits: int = 6

    name = "key_value"
    smallest_length = 2

    def __post_init__(self):
        super().__post_init__()
        # Every example draws an order of all possible keys.
        check_integer("num_bits", self.num_bits, maximum=12)
        if self.max_length > 2**self.num_bits:
            raise ValueError(
                f"`max_length` must be at most 2 ** num_bits = {2**self.num_bits}, because "
                "no two keys are equal. Ask for fewer pairs or for more bits. Received: "
                f"max_length={self.max_length}, num_bits={self.num_bits}"
            )

    @property
    def input_size(self):
        return 2 * self.num_bits + 2

    @property
    def output_size(self):
        return self.num_bits

    def num_timesteps(self, length):
        return 3 * length + 2

    def sample(self, draws, lengths):
        is_pair = draws.first(lengths, self.max_length)
        keys, values = self._distinct(draws, is_pair), self._distinct(draws, is_pair)
        as_presented = tf.broadcast_to(tf.range(self.max_length), is_pair.shape)
        orders = [as_presented, draws.ranks(is_pair), draws.ranks(is_pair)]

        # An example has three parts: all pairs, all keys, and all values.
        time = self.time(3 * lengths + 2)
        part, place = time // (lengths + 1), time % (lengths + 1)
        is_pair = (part < 3) & (place < lengths)
        index = tf.where(is_pair, part * self.max_length + place, 0)
        pair = tf.gather(tf.concat(orders, axis=1), index, batch_dims=1)

        asks_by_key = is_pair & tf.equal(part, 1)
        asks_by_value = is_pair & tf.equal(part, 2)
        x = [
            vectors_at(is_pair & ~asks_by_value, keys, pair),
            vectors_at(is_pair & ~asks_by_key, values, pair),
            channel(tf.equal(time, lengths)),
            channel(tf.equal(time, 2 * lengths + 1)),
        ]
        y = vectors_at(asks_by_key, values, pair) + vectors_at(asks_by_value, keys, pair)
        is_answer = tf.cast(asks_by_key | asks_by_value, tf.float32)
        return tf.concat(x, axis=-1), y, is_answer

    def _distinct(self, draws, among):
        """Draws vectors of bits `(B, N, bits)` that differ, in the order of the pattern."""
        count = 2**self.num_bits
        numbers = tf.argsort(draws.uniform(count))[:, : self.max_length]
        numbers = tf.sort(tf.where(among, numbers, count), axis=1)
        numbers = tf.gather(numbers, draws.order(among), batch_dims=1)
        bits = numbers[..., tf.newaxis] // 2 ** tf.range(self.num_bits - 1, -1, -1) % 2
        return tf.cast(bits, tf.float32)
