"""Moves and reads the stacks of a Stack-RNN.

Axes: B batch, K stacks, P depth, W width of a cell, A actions (PUSH, POP and perhaps
NO-OP).

A stack is flat, `(B, K, P W)`: its cells lie one after the other, the topmost first. To
push is then to shift by W.
"""

from keras import ops

ACTIONS = ("push", "pop", "no_op")


def move(stacks, actions, values, empty_value):
    """Pushes, pops and stays, each to its share (Joulin and Mikolov 2015, section 3.2).

    `S_t[0] = a[PUSH] v + a[POP] S_{t-1}[1] + a[NO-OP] S_{t-1}[0]`, and below the top
    `S_t[i] = a[PUSH] S_{t-1}[i-1] + a[POP] S_{t-1}[i+1] + a[NO-OP] S_{t-1}[i]`. The cell
    below the last one is empty.

    Args:
        stacks: Tensor of shape `(B, K, P W)`.
        actions: Tensor of shape `(B, K, A)`, which sums to 1 over the actions.
        values: Tensor `v` of shape `(B, K, W)`.
        empty_value: Float, the content of an empty cell.

    Returns:
        The new stacks, of shape `(B, K, P W)`.
    """
    width = values.shape[-1]
    empty = ops.full_like(values, empty_value)
    pushed = ops.concatenate([values, stacks[..., :-width]], axis=-1)  # (B, K, P W)
    popped = ops.concatenate([stacks[..., width:], empty], axis=-1)  # (B, K, P W)
    moved = actions[..., 0:1] * pushed + actions[..., 1:2] * popped
    if actions.shape[-1] == len(ACTIONS):
        moved = moved + actions[..., 2:3] * stacks
    return moved


def read(stacks, num_values):
    """Returns the topmost values of all stacks, next to each other.

    Args:
        stacks: Tensor of shape `(B, K, P W)`.
        num_values: Integer, the number of cells to read times W.

    Returns:
        A tensor of shape `(B, K num_values)`.
    """
    tops = stacks[..., :num_values]  # (B, K, num_values)
    return ops.reshape(tops, (-1, tops.shape[1] * num_values))
