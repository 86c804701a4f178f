"""The Differentiable Neural Computer."""

from keras_nm.layers.dnc.cell import DNCCell
from keras_nm.layers.dnc.layer import DNC

__all__ = ["DNC", "DNCCell"]
