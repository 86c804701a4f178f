"""Keras layers with external memory.

They are written in `keras.ops`, so they run on every Keras backend.
"""

from keras_nm.layers.chained_cell import ChainedCell
from keras_nm.layers.dnc import DNC, DNCCell
from keras_nm.layers.neural_gpu import NeuralGPU
from keras_nm.layers.npi import NPI, NPICell
from keras_nm.layers.nram import NRAM, NRAMCell, gates, split_outputs
from keras_nm.layers.ntm import NTM, NTMCell
from keras_nm.layers.replicated import Replicated
from keras_nm.layers.stack_rnn import StackRNN, StackRNNCell
from keras_nm.layers.tape_rnn import TapeRNN, TapeRNNCell
from keras_nm.layers.trace import Tracer

__all__ = [
    "DNC",
    "NPI",
    "NRAM",
    "NTM",
    "ChainedCell",
    "DNCCell",
    "NPICell",
    "NRAMCell",
    "NTMCell",
    "NeuralGPU",
    "Replicated",
    "StackRNN",
    "StackRNNCell",
    "TapeRNN",
    "TapeRNNCell",
    "Tracer",
    "gates",
    "split_outputs",
]
