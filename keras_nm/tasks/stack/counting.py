"""The counting languages (Joulin and Mikolov 2015, table 1)."""

import abc
from dataclasses import dataclass
from typing import ClassVar

import tensorflow as tf

from keras_nm.tasks.stack.stack_task import StackTask


class CountingLanguage(StackTask):
    """A language whose words are runs of `a`, `b` and so on, with counts to work out.

    The first runs of a word are free. The last free run ends when another letter follows,
    and from then on all letters are determined, up to the `a` of the next word. Class 0 is
    `a`, class 1 is `b`, and so on.

    Subclasses have the class attributes `num_classes`, `num_free` and, if that is not 1,
    `smallest_length`. They implement `counts`.

    Attributes:
        num_free: 1 or 2, the number of free runs. The length of a word is the number of
            letters in them.
    """

    num_free: ClassVar[int] = 1
    starts_with_class_0 = True

    @abc.abstractmethod
    def counts(self, *free):
        """Returns the number of letters in every run, from those in the free runs."""

    def largest_word(self, length):
        if self.num_free == 1:
            return sum(self.counts(length))
        return max(sum(self.counts(n, length - n)) for n in range(1, length))

    def word(self, draws, lengths):
        free = (lengths,)
        if self.num_free == 2:
            first = draws.integers(1, lengths, 1)
            free = (first, lengths - first)
        counts = tf.concat(self.counts(*free), axis=1)  # (B, runs)
        ends = tf.cumsum(counts, axis=1)
        place = tf.range(self.largest_word(self.max_length))[tf.newaxis]
        has_ended = place[..., tf.newaxis] >= ends[:, tf.newaxis, :-1]  # (B, N, runs - 1)
        symbols = tf.reduce_sum(tf.cast(has_ended, tf.int32), axis=-1)
        # The first letter after the free runs comes as a surprise.
        is_determined = tf.equal(place, 0) | (place > lengths)
        return symbols, ends[:, -1:], is_determined


@dataclass(frozen=True, kw_only=True)
class AnBn(CountingLanguage):
    """Predict the next letter of words a^n b^n.

    A word with n = 3, which the first letter of the next word follows::

        time            0  1  2  3  4  5
        x               a  a  a  b  b  b
        y               a  a  b  b  b  a
        sample_weight   .  .  .  1  1  1

    The word has three letters `b` because it has three letters `a`, and then another word
    begins. The first `b` is not determined.

    Args:
        min_length: Positive integer, the smallest n. Defaults to `1`.
        max_length: Positive integer, the largest n. Defaults to `19`.
        words: Positive integer, the number of words in an example. Nothing marks where one
            ends and the next begins. The last word has the example's length as its n. The n
            of each word before it is drawn from `min_length` to that. Defaults to `1`.

    Raises:
        ValueError: For sizes that are not positive, and if min_length > max_length.

    Example:

    >>> from keras_nm.tasks import stack
    >>> task = stack.AnBn(min_length=3, max_length=3)
    >>> x, y, sample_weight = next(iter(task.dataset(batch_size=1)))
    >>> "".join("ab"[symbol] for symbol in y[0])
    'aabbba'
    >>> sample_weight[0].numpy().astype(int).tolist()
    [0, 0, 0, 1, 1, 1]
    """

    name = "anbn"
    num_classes = 2

    def counts(self, n):
        return n, n


@dataclass(frozen=True, kw_only=True)
class AnBnCn(CountingLanguage):
    """Predict the next letter of words a^n b^n c^n.

    A word with n = 2, which the first letter of the next word follows::

        time            0  1  2  3  4  5
        x               a  a  b  b  c  c
        y               a  b  b  c  c  a
        sample_weight   .  .  1  1  1  1

    Args:
        min_length: As for `AnBn`.
        max_length: As for `AnBn`.
        words: As for `AnBn`.

    Raises:
        ValueError: As for `AnBn`.

    Example:

    >>> from keras_nm.tasks import stack
    >>> task = stack.AnBnCn(min_length=2, max_length=2)
    >>> x, y, sample_weight = next(iter(task.dataset(batch_size=1)))
    >>> "".join("abc"[symbol] for symbol in y[0])
    'abbcca'
    """

    name = "anbncn"
    num_classes = 3

    def counts(self, n):
        return n, n, n


@dataclass(frozen=True, kw_only=True)
class AnBnCnDn(CountingLanguage):
    """Predict the next letter of words a^n b^n c^n d^n.

    A word with n = 2, which the first letter of the next word follows::

        time            0  1  2  3  4  5  6  7
        x               a  a  b  b  c  c  d  d
        y               a  b  b  c  c  d  d  a
        sample_weight   .  .  1  1  1  1  1  1

    Args:
        min_length: As for `AnBn`.
        max_length: As for `AnBn`.
        words: As for `AnBn`.

    Raises:
        ValueError: As for `AnBn`.

    Example:

    >>> from keras_nm.tasks import stack
    >>> task = stack.AnBnCnDn(min_length=2, max_length=2)
    >>> x, y, sample_weight = next(iter(task.dataset(batch_size=1)))
    >>> "".join("abcd"[symbol] for symbol in y[0])
    'abbccdda'
    """

    name = "anbncndn"
    num_classes = 4

    def counts(self, n):
        return n, n, n, n


@dataclass(frozen=True, kw_only=True)
class AnB2n(CountingLanguage):
    """Predict the next letter of words a^n b^2n.

    A word with n = 2, which the first letter of the next word follows::

        time            0  1  2  3  4  5
        x               a  a  b  b  b  b
        y               a  b  b  b  b  a
        sample_weight   .  .  1  1  1  1

    Args:
        min_length: As for `AnBn`.
        max_length: As for `AnBn`.
        words: As for `AnBn`.

    Raises:
        ValueError: As for `AnBn`.

    Example:

    >>> from keras_nm.tasks import stack
    >>> task = stack.AnB2n(min_length=2, max_length=2)
    >>> x, y, sample_weight = next(iter(task.dataset(batch_size=1)))
    >>> "".join("ab"[symbol] for symbol in y[0])
    'abbbba'
    """

    name = "anb2n"
    num_classes = 2

    def counts(self, n):
        return n, 2 * n


@dataclass(frozen=True, kw_only=True)
class AnBmCnm(CountingLanguage):
    """Predict the next letter of words a^n b^m c^(n+m).

    A word with n = 2 and m = 1, which the first letter of the next word follows::

        time            0  1  2  3  4  5
        x               a  a  b  c  c  c
        y               a  b  c  c  c  a
        sample_weight   .  .  .  1  1  1

    The length of a word is n + m. All n from 1 to the length minus 1 are equally likely.

    Args:
        min_length: Integer of at least 2, the smallest n + m. Defaults to `2`.
        max_length: Integer of at least 2, the largest n + m. Defaults to `19`.
        words: As for `AnBn`.

    Raises:
        ValueError: For sizes out of range, and if min_length > max_length.

    Example:

    >>> from keras_nm.tasks import stack
    >>> task = stack.AnBmCnm(min_length=2, max_length=2)
    >>> x, y, sample_weight = next(iter(task.dataset(batch_size=1)))
    >>> "".join("abc"[symbol] for symbol in y[0])
    'bcca'
    """

    name = "anbmcnm"
    num_classes = 3
    num_free = 2
    smallest_length = 2

    def counts(self, n, m):
        return n, m, n + m


@dataclass(frozen=True, kw_only=True)
class AnBkCnk(CountingLanguage):
    """Predict the next letter of words a^n b^k c^(nk).

    A word with n = 2 and k = 2, which the first letter of the next word follows::

        time            0  1  2  3  4  5  6  7
        x               a  a  b  b  c  c  c  c
        y               a  b  b  c  c  c  c  a
        sample_weight   .  .  .  .  1  1  1  1

    The length of a word is n + k. All n from 1 to the length minus 1 are equally likely.
    The language is not in the paper's table of results, but in its code.

    Args:
        min_length: Integer of at least 2, the smallest n + k. Defaults to `2`.
        max_length: Integer of at least 2, the largest n + k. Defaults to `19`.
        words: As for `AnBn`.

    Raises:
        ValueError: For sizes out of range, and if min_length > max_length.

    Example:

    >>> from keras_nm.tasks import stack
    >>> task = stack.AnBkCnk(min_length=2, max_length=2)
    >>> x, y, sample_weight = next(iter(task.dataset(batch_size=1)))
    >>> "".join("abc"[symbol] for symbol in y[0])
    'bca'
    """

    name = "anbkcnk"
    num_classes = 3
    num_free = 2
    smallest_length = 2

    def counts(self, n, k):
        return n, k, n * k
