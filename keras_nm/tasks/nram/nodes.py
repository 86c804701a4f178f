"""Places lists and trees on a tape, with nodes of adjacent cells at random places."""

import tensorflow as tf

from keras_nm.tasks.nram.tape_task import put


def place_nodes(draws, num_nodes, max_nodes, node_size, first_cell, num_cells):
    """Finds places for nodes after a header. All ways to place them are equally likely.

    Args:
        draws: `Draws`.
        num_nodes: int32 tensor `(B, 1)`, the number of nodes n of each example.
        max_nodes: Integer N, the largest number of nodes of any example.
        node_size: Integer, the number of cells of a node.
        first_cell: int32 tensor `(B, 1)` or integer, the length of the header.
        num_cells: Integer M, the size of the tape.

    Returns:
        The addresses of the nodes in random order, int32 `(B, N)`, of which the first n
        count; and a random address after the header and outside the nodes, `(B, 1)`.
    """
    shape = (draws.batch_size, num_cells)
    places = tf.broadcast_to(tf.range(num_cells)[tf.newaxis], shape)
    num_places = num_cells - first_cell - num_nodes * (node_size - 1)
    chosen = draws.ranks(places < num_places) < num_nodes
    # A place is where a node would begin if all other nodes were one cell long.
    ordered = tf.sort(tf.where(chosen, places, num_cells))[:, :max_nodes]
    index = tf.range(max_nodes)[tf.newaxis]
    addresses = first_cell + ordered + index * (node_size - 1)
    among = tf.broadcast_to(index < num_nodes, (draws.batch_size, max_nodes))
    addresses = tf.gather(addresses, draws.order(among), batch_dims=1)

    taken = tf.cast(places < first_cell, tf.int32)
    for offset in range(node_size):
        ones = tf.ones_like(addresses)
        taken = put(taken, addresses + offset, ones, where=index < num_nodes)
    free = draws.ranks(tf.equal(taken, 0))
    out = tf.argmin(free, axis=1, output_type=tf.int32)[:, tf.newaxis]
    return addresses, out


def write_list(tape, nodes, values, lengths):
    """Writes nodes (next, value) in order. The next pointer of the last node is NULL."""
    index = tf.range(tf.shape(nodes)[1])[tf.newaxis]
    following = tf.where(index < lengths - 1, tf.roll(nodes, -1, axis=1), 0)
    tape = put(tape, nodes, following, where=index < lengths)
    return put(tape, nodes + 1, values, where=index < lengths)
