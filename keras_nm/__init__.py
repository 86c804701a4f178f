"""Neural machines for Keras: layers with external memory."""

import importlib.util

from keras_nm import layers, machines, programs, training
from keras_nm.version import __version__

__all__ = ["__version__", "layers", "machines", "programs", "training"]

# Layers, losses and programs run on every Keras backend, with or without TensorFlow at
# hand. Pipelines are tf.data and exports are SavedModels.
if importlib.util.find_spec("tensorflow"):
    from keras_nm import export, tasks

    __all__ += ["export", "tasks"]
