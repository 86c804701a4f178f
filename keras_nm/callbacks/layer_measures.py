"""Logs measures of a machine that no Keras metric can take from its outputs."""

import keras

from keras_nm.layers.trace import traced_arguments
from keras_nm.machines import machine_of


class LayerMeasures(keras.callbacks.Callback):
    """Logs the `measures` that the table of machines lists for a layer.

    For an `NRAM`, this is `val_discrete_wrong_cells`, the share of wrong answer cells of
    the machine that makes its choices by argmax. It takes as many steps as in the model. In
    the list of callbacks, put it before those that read or write logs.

    Args:
        layer: The layer whose inputs and outputs are those of the model.
        data: A finite `tf.data.Dataset` of the task, `(x, y, sample_weight)`.

    Raises:
        ValueError: For endless data, and at the beginning of training for a layer whose
            number of steps depends on the model's inputs.
    """

    def __init__(self, layer, data):
        super().__init__()
        if _is_endless(data):
            raise ValueError(
                "`data` must end, because all of it is measured after each epoch. Take a "
                "task's `evaluation_set`, or `data.take(number_of_batches)`. Received: "
                f"the endless {data!r}"
            )
        self.layer = layer
        self.data = data

    def on_train_begin(self, logs=None):
        measures = machine_of(self.layer).measures
        options = _call_options(self.layer, self.model) if measures else {}
        self._measures = {x.name: x.of_layer(self.layer, options) for x in measures}

    def on_epoch_end(self, epoch, logs=None):
        for name, measure in self._measures.items():
            logs[f"val_{name}"] = measure(self.data)


def _is_endless(data):
    if not hasattr(data, "cardinality"):
        return False
    import tensorflow as tf  # which is not everywhere

    return data.cardinality() == tf.data.INFINITE_CARDINALITY


def _call_options(layer, model):
    """Returns the arguments of a layer's call in a model, except for the first."""
    # Models of other kinds do not show how they call their layers.
    if not getattr(model, "inputs", None) or layer not in model.layers:
        return {}
    return traced_arguments(layer, model)[1]
