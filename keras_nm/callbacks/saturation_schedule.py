"""Keeps the saturation cost of a `NeuralGPU` small beside its loss."""

import keras
from keras import ops


class SaturationSchedule(keras.callbacks.Callback):
    """Adjusts the `saturation_weight` of a `NeuralGPU` after every epoch.

    Without the cost, pre-activations grow to where the gates have no gradient. With too
    much of it, the gates cannot saturate, which long computations need. So the weight falls
    as the machine learns: the cost, times its weight, becomes the loss times the learning
    rate (Freivalds and Liepins 2017, arXiv 1702.08727). The weight never rises above the
    layer's initial one.

    Every epoch logs the new weight as `saturation_weight`. In the list of callbacks, put
    those that write logs after this one. An epoch of the paper has 200 steps.

    Args:
        layer: A `NeuralGPU` with a `saturation_weight`, in the model that is trained.

    Raises:
        ValueError: For a layer without a saturation weight.

    Example:

    >>> import keras, keras_nm
    >>> layer = keras_nm.layers.NeuralGPU(3, num_symbols=4, saturation_weight=1e-3)
    >>> schedule = keras_nm.training.SaturationSchedule(layer)
    """

    def __init__(self, layer):
        super().__init__()
        if getattr(layer, "initial_saturation_weight", None) is None:
            raise ValueError(
                "SaturationSchedule takes a NeuralGPU layer with a saturation cost: give "
                f"it a `saturation_weight`. Received: {layer}"
            )
        self.layer = layer

    def on_epoch_end(self, epoch, logs=None):
        rate, cost = (
            float(ops.convert_to_numpy(x))
            for x in (self.model.optimizer.learning_rate, self.layer.saturation_cost)
        )
        aim = rate * logs["loss"]
        largest = self.layer.initial_saturation_weight
        weight = aim / cost if aim < largest * cost else largest
        self.layer.saturation_weight.assign(weight)
        logs["saturation_weight"] = weight
