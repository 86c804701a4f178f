"""Two tasks that show what the Differentiable Neural Computer can do with its memory."""

from keras_nm.tasks.dnc.key_value import KeyValue
from keras_nm.tasks.dnc.series_copy import SeriesCopy

__all__ = ["KeyValue", "SeriesCopy"]
