"""The Tape-RNN."""

from keras_nm.layers.tape_rnn.cell import TapeRNNCell
from keras_nm.layers.tape_rnn.layer import TapeRNN

__all__ = ["TapeRNN", "TapeRNNCell"]
