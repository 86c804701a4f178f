"""Random numbers that depend on an example's index, not on its batch."""

import math

import tensorflow as tf

# The data of an example are random, or they follow a pattern. Patterns are rare in random
# data, and machines that seemed right fail on them.
PATTERNS = ("random", "equal", "sorted", "reversed", "highest")

_PHILOX = 1


class Draws:
    """A source of independent random numbers for a batch of examples.

    Example i of a key draws the same numbers in any batch and at any place in the batch,
    because the numbers of an example begin at a known place in the key's stream.

    Args:
        keys: List of int64 tensors of shape `(2,)`. The batch has the same number of
            examples for each key, one key after the other.
        first: int64 scalar tensor, the index of the first example of each key.
        examples_per_key: Integer. The batch size B is this number times the number of keys.
        pattern: One of `PATTERNS`, which `bits`, `data`, `integer_data` and `order` follow.
    """

    def __init__(self, keys, first, examples_per_key, pattern="random"):
        self.batch_size = examples_per_key * len(keys)
        self._examples_per_key = examples_per_key
        self._keys = keys
        self._first = first
        self._pattern = pattern
        self._count = 0

    def uniform(self, *shape):
        """Draws float64 in [0, 1) `(B, *shape)`, precise enough for unbiased integers."""
        self._count += 1
        size = math.prod(shape)
        # The generator counts in blocks of 128 bits, which are two numbers.
        num_blocks = -(-size // 2)
        begin = tf.cast(tf.stack([self._first * num_blocks, 0]), tf.uint64)
        numbers = []
        for each in self._keys:
            seed = tf.random.fold_in(each, self._count, alg="philox")
            key, counter = tf.raw_ops.StatelessRandomGetKeyCounter(seed=seed)
            numbers.append(
                tf.raw_ops.StatelessRandomUniformV2(
                    shape=(self._examples_per_key, 2 * num_blocks),
                    key=key,
                    counter=counter + begin,
                    alg=_PHILOX,
                    dtype=tf.float64,
                )
            )
        numbers = tf.concat(numbers, axis=0)
        return tf.reshape(numbers[:, :size], (self.batch_size, *shape))

    def integers(self, low, high, *shape):
        """Draws int32 `(B, *shape)` from low to high - 1. Both may be tensors `(B, 1)`."""
        return _integers(self.uniform(*shape), low, high)

    def ranks(self, among):
        """Draws a random order of the true entries of `(B, N)` from 0 on; others follow."""
        return _ranks(self.uniform(among.shape[1]), among)

    def data(self, among, *shape):
        """Draws as `uniform` does, in the pattern over the true entries of `(B, N)`.

        Returns:
            float64 `(B, N, *shape)`. A sorted pattern sorts along N, separately for each
            index of the further axes. The other entries have no meaning.
        """
        numbers = self.uniform(among.shape[1], *shape)
        if self._pattern == "equal":
            return tf.repeat(numbers[:, :1], among.shape[1], axis=1)
        if self._pattern == "highest":
            return tf.fill(numbers.shape, tf.constant(1 - 2.0**-53, tf.float64))
        if self._pattern in ("sorted", "reversed"):
            mask = tf.reshape(among, (*among.shape, *(1 for _ in shape)))
            numbers = tf.sort(tf.where(mask, numbers, 2.0), axis=1)
            place = tf.cumsum(tf.cast(among, tf.int32), axis=1) - 1
            if self._pattern == "reversed":
                place = place[:, -1:] - place
            return tf.gather(numbers, tf.maximum(place, 0), batch_dims=1)
        return numbers

    def integer_data(self, low, high, among):
        """Draws as `integers` does, in the pattern over the true entries of `(B, N)`."""
        return _integers(self.data(among), low, high)

    def bits(self, among, num_bits):
        """Draws float32 in {0, 1} `(B, N, num_bits)`, each bit by itself in the pattern."""
        return tf.cast(self.data(among, num_bits) >= 0.5, tf.float32)

    def order(self, among):
        """Draws as `ranks` does, but sorted data rank from first to last entry, or back."""
        return _ranks(self.data(among), among)

    def first(self, lengths, size):
        """Returns booleans `(B, size)`, true for the first `lengths` `(B, 1)` entries."""
        shape = (self.batch_size, size)
        return tf.broadcast_to(tf.range(size)[tf.newaxis] < lengths, shape)

    def of_first(self, values):
        """Returns values `(B, 1)` where each key has the value of its first example."""
        values = tf.reshape(values, (len(self._keys), self._examples_per_key))
        return tf.repeat(values[:, 0], self._examples_per_key)[:, tf.newaxis]

    def turn(self, count):
        """Returns whose turn the batch is, as batches take `count` turns one by one."""
        return tf.cast(self._first // self._examples_per_key % count, tf.int32)


def _integers(numbers, low, high):
    span = tf.cast(high - low, tf.float64)
    return low + tf.cast(tf.floor(numbers * span), tf.int32)


def _ranks(numbers, among):
    order = tf.argsort(tf.where(among, numbers, 2.0), stable=True)
    return tf.argsort(order)
