"""Callbacks for `model.fit` that Keras does not have."""

import importlib.util

from keras_nm.callbacks.entropy_schedule import EntropySchedule
from keras_nm.callbacks.gradient_norm import GradientNorm
from keras_nm.callbacks.layer_measures import LayerMeasures
from keras_nm.callbacks.pull_schedule import PullSchedule
from keras_nm.callbacks.saturation_schedule import SaturationSchedule
from keras_nm.callbacks.saving import SaveModel
from keras_nm.callbacks.stop_below import StopBelow

__all__ = [
    "EntropySchedule",
    "GradientNorm",
    "LayerMeasures",
    "PullSchedule",
    "SaturationSchedule",
    "SaveModel",
    "StopBelow",
]

# These need TensorFlow: one writes for TensorBoard, the others change a pipeline's draws.
if importlib.util.find_spec("tensorflow"):
    from keras_nm.callbacks.curriculum import Curriculum
    from keras_nm.callbacks.error_sampling import ErrorSampling
    from keras_nm.callbacks.probe import Probe

    __all__ += ["Curriculum", "ErrorSampling", "Probe"]
