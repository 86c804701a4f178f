"""Logs measures of a machine that no Keras metric can take from its outputs."""

import keras

from keras_nm.machines import machine_of


class LayerMeasures(keras.callbacks.Callback):
    """Logs the `measures` that the table of machines lists for a layer.

    For an `NRAM`, this is `val_discrete_wrong_cells`, the share of wrong answer cells of
    the machine that makes its choices by argmax. In the list of callbacks, put it before
    those that read or write logs.

    Args:
        layer: The layer whose inputs and outputs are those of the model.
        data: A finite `tf.data.Dataset` of the task, `(x, y, sample_weight)`.
    """

    def __init__(self, layer, data):
        super().__init__()
        self.data = data
        self._measures = {x.name: x.of_layer(layer) for x in machine_of(layer).measures}

    def on_epoch_end(self, epoch, logs=None):
        for name, measure in self._measures.items():
            logs[f"val_{name}"] = measure(self.data)
