"""The Neural Turing Machine."""

from keras_nm.layers.ntm.cell import NTMCell
from keras_nm.layers.ntm.layer import NTM

__all__ = ["NTM", "NTMCell"]
