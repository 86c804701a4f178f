"""The Stack-RNN."""

from keras_nm.layers.stack_rnn.cell import StackRNNCell
from keras_nm.layers.stack_rnn.layer import StackRNN

__all__ = ["StackRNN", "StackRNNCell"]
