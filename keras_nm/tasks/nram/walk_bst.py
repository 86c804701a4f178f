"""The walk_bst task (Kurach et al. 2016, section 4)."""

from dataclasses import dataclass

import tensorflow as tf

from keras_nm.arguments import check_integer
from keras_nm.programs.solutions import PROGRAMS, WALK_BST_FROM_ZERO
from keras_nm.tasks.nram.nodes import place_nodes
from keras_nm.tasks.nram.tape_task import TapeTask, look_up, put


@dataclass(frozen=True, kw_only=True)
class WalkBST(TapeTask):
    """Find the value at the end of a path through a binary search tree.

    The header holds the root's address, the address for the answer, and a path that ends
    with NULL: 1 is left, 2 is right. The nodes, each a value, a left pointer and a right
    pointer, are at random places. Here the path goes right from the root at 4, and the
    answer goes to cell 10::

        address   0  1  2  3  4  5  6  7  8  9 10
        tape      4 10  2  0  a  0  7  b  0  0  0
        answer    .  .  .  .  .  .  .  .  .  .  b

    The tree results from inserting its values in a random order. Any node may be the end of
    the path. The length is the number of nodes.

    In the paper, 0 is left and 1 is right, so the end of a path looks like steps to the
    left. With `left=0`, tapes follow the paper. The path then ends at a node without a left
    child.

    Args:
        min_length: Positive integer, the smallest number of nodes. Defaults to `1`.
        max_length: Positive integer, the largest number of nodes. Defaults to `10`.
        num_cells: Positive integer, the size M of the tapes. Defaults to the smallest size
            that fits all trees and paths.
        left: `1` or `0`, the number that stands for left. Right is one more. Defaults to
            `1`.

    Raises:
        ValueError: For sizes out of range, for a tape that is too small, for any other
            `left`, and if min_length > max_length.

    Example:

    >>> from keras_nm.tasks import nram
    >>> task = nram.WalkBST(max_length=6)
    >>> tape, answer, answer_cells = next(iter(task.dataset(batch_size=4)))
    >>> tuple(tape.shape)
    (4, 27)
    """

    left: int = 1

    name = "walk_bst"

    def __post_init__(self):
        super().__post_init__()
        if check_integer("left", self.left, minimum=0) > 1:
            raise ValueError(f"`left` must be 0 or 1. Received: left={self.left}")

    @property
    def program(self):
        return PROGRAMS[self.name] if self.left else WALK_BST_FROM_ZERO

    @property
    def num_steps(self):
        return self.most_steps(self.max_length) + (not self.left)

    @staticmethod
    def smallest_tape(length):
        return 4 * length + 3

    @staticmethod
    def most_steps(length):
        return length + 1

    def write_tapes(self, draws, lengths):
        shape = (draws.batch_size, self.num_cells)
        index = tf.range(self.max_length)[tf.newaxis]  # in order of insertion
        exists = draws.first(lengths, self.max_length)
        ranks = draws.order(exists)  # in order of value
        first, second = ranks[:, :, tf.newaxis], ranks[:, tf.newaxis, :]  # of i and j
        earlier = tf.range(self.max_length) < index[0][:, tf.newaxis]  # j before i

        # A node has two nearest neighbours by value, below and above, among the nodes that
        # were inserted earlier. The one that was inserted later is its parent.
        below = tf.where(earlier & (second < first), second, -1)
        above = tf.where(earlier & (second > first), second, self.max_length)
        is_below = tf.equal(second, tf.reduce_max(below, axis=2, keepdims=True)) & earlier
        is_above = tf.equal(second, tf.reduce_min(above, axis=2, keepdims=True)) & earlier
        later_below = tf.reduce_max(tf.where(is_below, index, -1), axis=2)
        later_above = tf.reduce_max(tf.where(is_above, index, -1), axis=2)
        parent = tf.maximum(later_below, later_above)
        goes_left = later_above > later_below

        ends = exists
        if not self.left:
            is_left_child = exists & goes_left & (index > 0)
            parents_of_left = tf.where(is_left_child, parent, -1)[:, tf.newaxis, :]
            ends &= ~tf.reduce_any(tf.equal(index[0][:, tf.newaxis], parents_of_left), 2)
        end = tf.argmin(draws.ranks(ends), axis=1, output_type=tf.int32)[:, tf.newaxis]

        # The path to a node passes each node that was inserted before all nodes with values
        # between the two.
        end_rank = look_up(ranks, end)
        low = tf.minimum(ranks, end_rank)[:, :, tf.newaxis]
        high = tf.maximum(ranks, end_rank)[:, :, tf.newaxis]
        blocked = tf.reduce_any(earlier & (second >= low) & (second <= high), axis=2)
        on_path = exists & ~blocked & (index < end)
        step = tf.cumsum(tf.cast(on_path, tf.int32), axis=1) - 1
        num_turns = tf.reduce_sum(tf.cast(on_path, tf.int32), axis=1, keepdims=True)
        direction = self.left + tf.where(end_rank < ranks, 0, 1)

        nodes, out = place_nodes(
            draws, lengths, self.max_length, 3, num_turns + 3, self.num_cells
        )
        values = draws.integer_data(0, self.num_cells, exists)
        values = look_up(tf.sort(tf.where(exists, values, self.num_cells)), ranks)
        children = look_up(nodes, tf.maximum(parent, 0)) + tf.where(goes_left, 1, 2)
        tape = tf.zeros(shape, tf.int32)
        tape = put(tape, nodes, values, where=exists)
        tape = put(tape, children, nodes, where=exists & (index > 0))
        tape = put(tape, 2 + step, direction, where=on_path)
        tape = tf.concat([nodes[:, :1], out, tape[:, 2:]], axis=1)
        answer = put(tape, out, look_up(values, end))
        return tape, answer, tf.equal(self.cells, out)
