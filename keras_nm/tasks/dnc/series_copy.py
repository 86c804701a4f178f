"""The copy task several times in a row (Csordás and Schmidhuber 2019, section 4)."""

from dataclasses import dataclass

import tensorflow as tf

from keras_nm.arguments import check_integer
from keras_nm.tasks.sequence_task import SequenceTask, channel, vectors_at


@dataclass(frozen=True, kw_only=True)
class SeriesCopy(SequenceTask):
    """Repeat a sequence of random vectors after its end, several times in a row.

    A series of two copies, the first of two vectors a, b and the second of three::

        time                 0  1  2  3  4  5  6  7  8  9 10 11 12 13
        x, bits              .  a  b  .  .  .  .  c  d  e  .  .  .  .
        x, start delimiter   1  .  .  .  .  .  1  .  .  .  .  .  .  .
        x, recall delimiter  .  .  .  1  .  .  .  .  .  .  1  .  .  .
        y                    .  .  .  .  a  b  .  .  .  .  .  c  d  e
        sample_weight        .  .  .  .  1  1  .  .  .  .  .  1  1  1

    What was copied is not asked for again. In a memory that is smaller than the whole
    series, a machine has to free locations and write to them once more. The length is the
    number of copies, and each copy has a random number of vectors.

    The task is figure 1 of the extended data of Graves et al. 2016. The sizes are those of
    Csordás and Schmidhuber 2019. They call it repeat copy, as Graves et al. 2014 call
    `keras_nm.tasks.ntm.RepeatCopy`, which repeats one sequence. Their code has no start
    delimiter, and ends each answer with a mark.

    Args:
        min_length: Positive integer, the fewest copies in a series. Defaults to `1`.
        max_length: Positive integer, the most copies in a series. Defaults to `8`.
        min_vectors: Positive integer, the fewest vectors in a copy. Defaults to `2`.
        max_vectors: Positive integer, the most vectors in a copy. Defaults to `14`.
        num_bits: Positive integer, the number of bits in a vector. Defaults to `8`.

    Raises:
        ValueError: For sizes that are not positive, and if a minimum is above its maximum.

    Example:

    >>> from keras_nm.tasks import dnc
    >>> task = dnc.SeriesCopy(max_length=3, max_vectors=4)
    >>> x, y, sample_weight = next(iter(task.dataset(batch_size=16)))
    >>> task.input_size, task.output_size
    (10, 8)
    """

    max_length: int = 8
    min_vectors: int = 2
    max_vectors: int = 14
    num_bits: int = 8

    name = "series_copy"

    def __post_init__(self):
        super().__post_init__()
        for size in ("min_vectors", "max_vectors", "num_bits"):
            check_integer(size, getattr(self, size))
        if self.min_vectors > self.max_vectors:
            raise ValueError(
                "`min_vectors` must be at most `max_vectors`. Received: "
                f"min_vectors={self.min_vectors}, max_vectors={self.max_vectors}"
            )

    @property
    def input_size(self):
        return self.num_bits + 2

    @property
    def output_size(self):
        return self.num_bits

    def num_timesteps(self, length):
        return length * (2 * self.max_vectors + 2)

    def sample(self, draws, lengths):
        sizes = draws.integers(self.min_vectors, self.max_vectors + 1, self.max_length)
        is_copy = draws.first(lengths, self.max_length)
        sizes = tf.where(is_copy, sizes, 0)  # (B, C), vectors in each copy
        is_vector = tf.range(self.max_vectors) < sizes[..., tf.newaxis]  # (B, C, V)
        is_vector = tf.reshape(is_vector, (draws.batch_size, -1))
        vectors = draws.bits(is_vector, self.num_bits)  # (B, C V, bits)

        num_timesteps = tf.where(is_copy, 2 * sizes + 2, 0)
        ends = tf.cumsum(num_timesteps, axis=1)
        end = ends[:, -1:]
        time = self.time(end)
        # Which copy each time step belongs to, how large it is, and how far it has come.
        steps = tf.tile(time, (draws.batch_size, 1))
        copy = tf.searchsorted(ends, steps, side="right")
        copy = tf.minimum(copy, self.max_length - 1)  # also after the end of the series
        size = tf.gather(sizes, copy, batch_dims=1)
        place = time - tf.gather(ends - num_timesteps, copy, batch_dims=1)

        is_input = (time < end) & (place > 0) & (place <= size)
        is_answer = (time < end) & (place > size + 1)
        first = copy * self.max_vectors
        x = [
            vectors_at(is_input, vectors, first + place - 1),
            channel((time < end) & tf.equal(place, 0)),
            channel((time < end) & tf.equal(place, size + 1)),
        ]
        y = vectors_at(is_answer, vectors, first + place - size - 2)
        return tf.concat(x, axis=-1), y, tf.cast(is_answer, tf.float32)
