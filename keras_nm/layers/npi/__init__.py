"""The Neural Programmer-Interpreter as Keras layers."""

from keras_nm.layers.npi.cell import NPICell
from keras_nm.layers.npi.layer import NPI

__all__ = ["NPI", "NPICell"]
