"""The Neural Turing Machine."""

from keras_nm.layers.ntm.layer import NTM, NTMCell

__all__ = ["NTM", "NTMCell"]
