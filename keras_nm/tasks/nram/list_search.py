"""The list_search task (Kurach et al. 2016, section 4)."""

from dataclasses import dataclass

import tensorflow as tf

from keras_nm.tasks.nram.nodes import place_nodes, write_list
from keras_nm.tasks.nram.tape_task import TapeTask, look_up, put


@dataclass(frozen=True, kw_only=True)
class ListSearch(TapeTask):
    """Find the first node of a linked list that holds a given value.

    The header holds the head's address, the value, and the address for the answer. The
    answer is the address of the node. The nodes, each a next pointer and a value, are at
    random places. The cells between them hold trash. Here the first node that holds b is
    at 8::

        address   0  1  2  3  4  5  6  7  8  9
        tape      6  b  3  ?  0  b  8  a  4  b
        answer    .  .  .  8  .  .  .  .  .  .

    The values are from a range of 1 to 2 n numbers, for n nodes, so several nodes may hold
    the same.

    Example:

    >>> from keras_nm.tasks import nram
    >>> task = nram.ListSearch(max_length=6)
    >>> tape, answer, answer_cells = next(iter(task.dataset(batch_size=4)))
    >>> tuple(tape.shape)
    (4, 16)
    """

    name = "list_search"

    @staticmethod
    def smallest_tape(length):
        return 2 * length + 4

    @staticmethod
    def most_steps(length):
        return length + 2

    def write_tapes(self, draws, lengths):
        nodes, out = place_nodes(draws, lengths, self.max_length, 2, 3, self.num_cells)
        # The number of different values varies. If it is small, several nodes may match.
        num_values = draws.integers(1, 2 * lengths + 1, 1)
        lowest = draws.integer_data(0, self.num_cells - num_values + 1, draws.first(1, 1))
        values = draws.integer_data(
            lowest, lowest + num_values, draws.first(lengths, self.max_length)
        )
        wanted = look_up(values, draws.integers(0, lengths, 1))
        trash = draws.integers(0, self.num_cells, self.num_cells)
        tape = write_list(trash, nodes, values, lengths)
        tape = tf.concat([nodes[:, :1], wanted, out, tape[:, 3:]], axis=1)
        found = tf.cast(tf.equal(values, wanted), tf.int32)
        first = tf.argmax(found, axis=1, output_type=tf.int32)[:, tf.newaxis]
        answer = put(tape, out, look_up(nodes, first))
        return tape, answer, tf.equal(self.cells, out)
