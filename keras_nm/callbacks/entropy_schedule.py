"""Changes the entropy weight of an `NRAM` during training."""

import keras
from keras import ops

from keras_nm.arguments import check_integer, check_not_negative, check_positive


class EntropySchedule(keras.callbacks.Callback):
    """Changes the `entropy_weight` of an `NRAM` from epoch to epoch.

    A bonus on the entropy of the controller's choices keeps a machine from settling for a
    circuit before it has tried others (Kurach et al. 2016, appendix B). The bonus decays.
    A penalty at the end makes choices certain, so that the discrete machine does the same
    as the soft one.

    A training step is an update of the weights. With `gradient_accumulation_steps`, it
    takes several batches.

    Args:
        layer: An `NRAM` with an `entropy_weight`.
        half_life: Positive float, the number of training steps in which the layer's initial
            entropy weight halves.
        penalty: Non-negative float, the entropy weight of the last training steps.
            Defaults to `0.0`.
        penalty_from: Non-negative integer, the training step at which the penalty replaces
            the bonus. Defaults to `None`: never.

    Raises:
        ValueError: For a layer without an entropy weight, or arguments out of range.

    Example:

    >>> import keras, keras_nm
    >>> layer = keras_nm.layers.NRAM(2, num_steps=3, entropy_weight=-4.0)
    >>> schedule = keras_nm.training.EntropySchedule(layer, half_life=1500)
    """

    def __init__(self, layer, half_life, penalty=0.0, penalty_from=None):
        super().__init__()
        if getattr(layer, "initial_entropy_weight", None) is None:
            raise ValueError(
                "EntropySchedule takes an NRAM layer with an entropy weight: give it an "
                f"`entropy_weight`. Received: {layer}"
            )
        self.layer = layer
        self.half_life = check_positive("half_life", half_life)
        self.penalty = check_not_negative("penalty", penalty)
        if penalty_from is not None:
            penalty_from = check_integer("penalty_from", penalty_from, minimum=0)
        elif self.penalty:
            raise ValueError(
                "A penalty needs a step from which it counts: give `penalty_from`. "
                f"Received: penalty={penalty!r}, penalty_from=None"
            )
        self.penalty_from = penalty_from

    def on_epoch_begin(self, epoch, logs=None):
        step = int(ops.convert_to_numpy(self.model.optimizer.iterations))
        weight = self.layer.initial_entropy_weight * 0.5 ** (step / self.half_life)
        if self.penalty_from is not None and step >= self.penalty_from:
            weight = self.penalty
        self.layer.entropy_weight.assign(ops.full(self.layer.entropy_weight.shape, weight))
