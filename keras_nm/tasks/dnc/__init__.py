"""Tasks of the Differentiable Neural Computer (Csordás and Schmidhuber 2019, section 4)."""

from keras_nm.tasks.dnc.key_value import KeyValue
from keras_nm.tasks.dnc.series_copy import SeriesCopy

__all__ = ["KeyValue", "SeriesCopy"]
