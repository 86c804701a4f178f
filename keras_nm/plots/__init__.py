"""Figures of what machines do and how they learn, drawn with matplotlib."""

try:
    import matplotlib  # noqa: F401
except ImportError as error:
    raise ImportError(
        "Figures need matplotlib: install it with `pip install keras_nm[plot]`"
    ) from error

from keras_nm.plots.calls import call_picture
from keras_nm.plots.circuits import circuit_picture
from keras_nm.plots.curves import learning_curves
from keras_nm.plots.dnc import dnc_plate
from keras_nm.plots.execution import execution_picture
from keras_nm.plots.files import (
    ANIMATION_SUFFIX,
    PICTURE_SUFFIXES,
    check_path,
    to_array,
    write_animation,
    write_picture,
)
from keras_nm.plots.lengths import generalization_chart
from keras_nm.plots.machine import machine_picture, num_frames
from keras_nm.plots.plate import ntm_plate
from keras_nm.plots.positions import state_picture
from keras_nm.plots.stacks import stack_picture
from keras_nm.plots.strips import answer_strips
from keras_nm.plots.tapes import tape_picture

__all__ = [
    "ANIMATION_SUFFIX",
    "PICTURE_SUFFIXES",
    "answer_strips",
    "call_picture",
    "check_path",
    "circuit_picture",
    "dnc_plate",
    "execution_picture",
    "generalization_chart",
    "learning_curves",
    "machine_picture",
    "ntm_plate",
    "num_frames",
    "stack_picture",
    "state_picture",
    "tape_picture",
    "to_array",
    "write_animation",
    "write_picture",
]
