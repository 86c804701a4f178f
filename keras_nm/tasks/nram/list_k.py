"""The list_k task (Kurach et al. 2016, section 4)."""

from dataclasses import dataclass

import tensorflow as tf

from keras_nm.tasks.nram.nodes import place_nodes, write_list
from keras_nm.tasks.nram.tape_task import TapeTask, look_up, put


@dataclass(frozen=True, kw_only=True)
class ListK(TapeTask):
    """Find the value that is k hops away from the head of a linked list.

    The header holds the head's address, k, and the address for the answer. The nodes, each
    a next pointer and a value, are at random places. Here two hops lead from 6 via 8 to 4,
    and the answer goes to cell 3::

        address   0  1  2  3  4  5  6  7  8  9
        tape      6  2  3  0  0  c  8  a  4  b
        answer    .  .  .  c  .  .  .  .  .  .

    Example:

    >>> from keras_nm.tasks import nram
    >>> task = nram.ListK(max_length=6)
    >>> tape, answer, answer_cells = next(iter(task.dataset(batch_size=4)))
    >>> tuple(tape.shape)
    (4, 16)
    """

    name = "list_k"

    @staticmethod
    def smallest_tape(length):
        return 2 * length + 4

    @staticmethod
    def most_steps(length):
        return length + 1

    def write_tapes(self, draws, lengths):
        shape = (draws.batch_size, self.num_cells)
        nodes, out = place_nodes(draws, lengths, self.max_length, 2, 3, self.num_cells)
        values = draws.integer_data(
            0, self.num_cells, draws.first(lengths, self.max_length)
        )
        hops = draws.integers(0, lengths, 1)
        tape = write_list(tf.zeros(shape, tf.int32), nodes, values, lengths)
        tape = tf.concat([nodes[:, :1], hops, out, tape[:, 3:]], axis=1)
        answer = put(tape, out, look_up(values, hops))
        return tape, answer, tf.equal(self.cells, out)
