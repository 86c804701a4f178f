"""Dropout in cells that are made of other cells."""

from keras_nm.keras_internals import DropoutRNNCell, in_training_call, inner_layers


def forget_masks(cell):
    """Forgets the masks of dropout of a cell that was called outside of a layer.

    Some cells draw masks at inference, too. `keras.layers.RNN` forgets them after its loop.
    Otherwise, the next call would take them for its own.

    Args:
        cell: An RNN cell.
    """
    for layer in (cell, *inner_layers(cell)):
        if isinstance(layer, DropoutRNNCell) and not isinstance(layer, InnerDropout):
            layer.reset_dropout_mask()
            layer.reset_recurrent_dropout_mask()


class InnerDropout(DropoutRNNCell):
    """Passes the calls that `keras.layers.RNN` makes around its loop to the inner cells.

    A cell with dropout keeps its masks for all time steps. `keras.layers.RNN` tells a
    `DropoutRNNCell`, and no other cell, to draw its masks before the loop and to forget
    them after it.

    A subclass is a Keras layer. It defines `call_inner_cells(step_input, training)`, which
    calls the inner cells once.
    """

    def get_dropout_mask(self, step_input):
        if any(
            getattr(cell, "dropout", 0) or getattr(cell, "recurrent_dropout", 0)
            for cell in self._inner_cells()
        ):
            # Cells draw their masks when they are first called, some at inference too. A
            # call with `training=True` would then change the statistics of a batch
            # normalization.
            self.call_inner_cells(step_input, training=in_training_call())

    def get_recurrent_dropout_mask(self, step_state):
        """Does nothing: `get_dropout_mask` has drawn these masks as well."""

    def reset_dropout_mask(self):
        for cell in self._inner_cells():
            cell.reset_dropout_mask()

    def reset_recurrent_dropout_mask(self):
        for cell in self._inner_cells():
            cell.reset_recurrent_dropout_mask()

    def _inner_cells(self):
        return [
            layer
            for layer in inner_layers(self)
            if isinstance(layer, DropoutRNNCell) and not isinstance(layer, InnerDropout)
        ]
