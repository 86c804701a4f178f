"""Neural machines for Keras: layers with external memory."""

import importlib.util

__version__ = "0.1.0"

from keras_nm import layers, programs, training

__all__ = ["layers", "programs", "training"]

# Layers, losses and programs run on every Keras backend, with or without TensorFlow at
# hand. Pipelines are tf.data and exports are SavedModels.
if importlib.util.find_spec("tensorflow"):
    from keras_nm import export, tasks

    __all__ += ["export", "tasks"]
