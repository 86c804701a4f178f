"""Keras layers with external memory.

Written in `keras.ops` alone: they run on every Keras backend.
"""

from keras_nm.layers.ntm import NTM, NTMCell

__all__ = ["NTM", "NTMCell"]
