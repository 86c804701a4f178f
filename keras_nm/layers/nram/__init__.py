"""The Neural Random-Access Machine."""

from keras_nm.layers.nram.cell import NRAMCell
from keras_nm.layers.nram.layer import NRAM
from keras_nm.layers.nram.outputs import split_outputs

__all__ = ["NRAM", "NRAMCell", "split_outputs"]
