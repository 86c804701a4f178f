"""Pulls the weight sets of a `NeuralGPU` together as a curriculum rises."""

import keras

from keras_nm.arguments import check_integer, check_positive


class PullSchedule(keras.callbacks.Callback):
    """Raises the `pull` of a `NeuralGPU` with the level of a curriculum.

    Each level multiplies the pull by a factor (Kaiser and Sutskever 2016, arXiv 1511.08228,
    section 3.3). Once the pull is large enough, all sets are replaced by their mean after
    every epoch. The paper does that at the end of the curriculum, and its code once the
    pull is large.

    Every epoch logs the new pull as `pull`. In the list of callbacks, put this one after
    the `Curriculum`, and before those that write logs.

    Args:
        layer: A `NeuralGPU` with a `pull`.
        first_level: Integer, the level at which the pull is the layer's initial one.
            Defaults to `3`.
        factor: Positive float. Defaults to `1.2`.
        merge_at: Positive float, the pull from which on the sets are merged. Defaults to
            `1.0`.

    Raises:
        ValueError: For a layer without a pull, for arguments out of range, and, at the end
            of an epoch, if its logs have no `level`.

    Example:

    >>> import keras_nm
    >>> layer = keras_nm.layers.NeuralGPU(3, num_symbols=4, num_weight_sets=6, pull=5e-4)
    >>> schedule = keras_nm.training.PullSchedule(layer)
    """

    def __init__(self, layer, first_level=3, factor=1.2, merge_at=1.0):
        super().__init__()
        if not getattr(layer, "initial_pull", None):
            raise ValueError(
                "PullSchedule takes a NeuralGPU layer with several weight sets and a pull: "
                f"give it `num_weight_sets` and `pull`. Received: {layer}"
            )
        self.layer = layer
        self.first_level = check_integer("first_level", first_level)
        self.factor = check_positive("factor", factor)
        self.merge_at = check_positive("merge_at", merge_at)

    def on_epoch_end(self, epoch, logs=None):
        if "level" not in logs:
            raise ValueError(
                "PullSchedule follows the level of a Curriculum, which must come before it "
                f"in the list of callbacks. Received: the logs {', '.join(logs)}"
            )
        rises = logs["level"] - self.first_level
        pull = self.layer.initial_pull * self.factor**rises
        self.layer.pull.assign(pull)
        if pull >= self.merge_at:
            self.layer.merge_weight_sets()
        logs["pull"] = pull
