"""The task walk_bst (Kurach et al. 2016, section 4)."""

import tensorflow as tf

from keras_nm.tasks.nram.nodes import place_nodes
from keras_nm.tasks.nram.tape_task import TapeTask, look_up, put


class WalkBST(TapeTask):
    """Find the value at the end of a path through a binary search tree.

    The header has the root's address, the address for the answer, and a path that ends
    with NULL: 1 is left, 2 is right. The nodes, value, left and right, are at random
    places. Right from the root at 4, answered in cell 10::

        address   0  1  2  3  4  5  6  7  8  9 10
        tape      4 10  2  0  a  0  7  b  0  0  0
        answer    .  .  .  .  .  .  .  .  .  .  b

    The tree is what inserting its values in a random order gives, and any node may be the
    end of the path.

    Example:

    >>> from keras_nm.tasks import nram
    >>> task = nram.WalkBST(max_size=6)
    >>> tape, answer, answer_cells = next(iter(task.dataset(batch_size=4)))
    >>> tuple(tape.shape)
    (4, 26)
    """

    name = "walk_bst"

    @staticmethod
    def smallest_tape(size):
        return 4 * size + 2

    @staticmethod
    def most_steps(size):
        return size + 1

    def write_tapes(self, draws, sizes):
        shape = (tf.shape(sizes)[0], self.num_cells)
        index = tf.range(self.max_size)[tf.newaxis]  # in order of insertion
        exists = tf.broadcast_to(index < sizes, (shape[0], self.max_size))
        ranks = draws.ranks(exists)  # in order of value
        first, second = ranks[:, :, tf.newaxis], ranks[:, tf.newaxis, :]  # of i and j
        earlier = tf.range(self.max_size) < index[0][:, tf.newaxis]  # j before i

        # A node hangs from its nearest neighbour by value, below or above, of those that
        # were there before: from the later one of the two.
        below = tf.where(earlier & (second < first), second, -1)
        above = tf.where(earlier & (second > first), second, self.max_size)
        is_below = tf.equal(second, tf.reduce_max(below, axis=2, keepdims=True)) & earlier
        is_above = tf.equal(second, tf.reduce_min(above, axis=2, keepdims=True)) & earlier
        later_below = tf.reduce_max(tf.where(is_below, index, -1), axis=2)
        later_above = tf.reduce_max(tf.where(is_above, index, -1), axis=2)
        parent = tf.maximum(later_below, later_above)
        goes_left = later_above > later_below

        # The path to a node passes those that were there before all between it and them.
        end = draws.integers(tf.shape(sizes), 0, sizes)
        end_rank = look_up(ranks, end)
        low = tf.minimum(ranks, end_rank)[:, :, tf.newaxis]
        high = tf.maximum(ranks, end_rank)[:, :, tf.newaxis]
        blocked = tf.reduce_any(earlier & (second >= low) & (second <= high), axis=2)
        on_path = exists & ~blocked & (index < end)
        step = tf.cumsum(tf.cast(on_path, tf.int32), axis=1) - 1
        length = tf.reduce_sum(tf.cast(on_path, tf.int32), axis=1, keepdims=True)
        direction = tf.where(end_rank < ranks, 1, 2)

        nodes, out = place_nodes(draws, sizes, self.max_size, 3, length + 3, self.num_cells)
        values = tf.sort(draws.integers(tf.shape(nodes), 0, self.num_cells))
        values = look_up(values, ranks)
        children = look_up(nodes, tf.maximum(parent, 0)) + tf.where(goes_left, 1, 2)
        tape = tf.zeros(shape, tf.int32)
        tape = put(tape, nodes, values, where=exists)
        tape = put(tape, children, nodes, where=exists & (index > 0))
        tape = put(tape, 2 + step, direction, where=on_path)
        tape = tf.concat([nodes[:, :1], out, tape[:, 2:]], axis=1)
        answer = put(tape, out, look_up(values, end))
        return tape, answer, tf.equal(self.cells, out)
