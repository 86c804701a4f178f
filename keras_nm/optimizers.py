"""Optimizers for the training of machines."""

import keras
from keras import ops

from keras_nm.arguments import check_integer, check_not_negative, check_positive
from keras_nm.keras_internals import (
    PreparesGradients,
    largest_gradients,
    scale_loss_for_distribution,
    track_variable,
)
from keras_nm.layers import random_numbers


@keras.saving.register_keras_serializable(package="keras_nm")
class NoisyAdam(PreparesGradients, keras.optimizers.Adam):
    """Adam that clips gradients and then adds noise to them.

    The noise of step t is normal with variance `noise / (1 + t) ** 0.55`, and independent
    for every weight (Neelakantan et al. 2015, arXiv 1511.06807). Kurach et al. 2016 train
    their machines with it (appendix B). If the norm of the gradient is not finite, all of
    the gradient counts as 0.

    It also trains the machines of an `NRAM` with `num_replicas` as if each were alone. The
    norm is that of one machine's gradient, and the loss, which is a mean over all machines,
    counts as the sum of their losses.

    Args:
        learning_rate: Float or `keras.optimizers.schedules.LearningRateSchedule`. Defaults
            to `0.001`.
        gradient_norm: Positive float or `None`. Gradients with a larger norm, over all
            weights, are scaled down to it. Defaults to `1.0`.
        noise: Non-negative float, the variance of the noise at the first step. The paper
            uses 0.3 and others. Defaults to `0.0`.
        num_replicas: `None` (default), or the number K of the layer's replicas.
        seed: Integer, the seed of the noise.
        **kwargs: Further arguments of `keras.optimizers.Adam`.

    Raises:
        ValueError: For arguments out of range, for `clipnorm` or `global_clipnorm` with
            `num_replicas`, and for weights whose first axis is not `num_replicas`.

    Example:

    >>> import keras, keras_nm, numpy as np
    >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    >>> model.compile(keras_nm.training.NoisyAdam(0.01, noise=0.3), "mse")
    >>> history = model.fit(np.ones((4, 1)), np.ones((4, 1)), verbose=0)
    """

    def __init__(
        self,
        learning_rate=0.001,
        gradient_norm=1.0,
        noise=0.0,
        num_replicas=None,
        seed=0,
        name="noisy_adam",
        **kwargs,
    ):
        super().__init__(learning_rate, name=name, **kwargs)
        if gradient_norm is not None:
            gradient_norm = check_positive("gradient_norm", gradient_norm)
        if num_replicas is not None:
            num_replicas = check_integer("num_replicas", num_replicas)
            for name in ("clipnorm", "global_clipnorm"):
                if kwargs.get(name) is not None:
                    raise ValueError(
                        "With `num_replicas`, a norm over all machines would let one of "
                        "them slow down the others. Give `gradient_norm` instead of "
                        f"`{name}`. Received: {name}={kwargs[name]!r}"
                    )
        self.gradient_norm = gradient_norm
        self.noise = check_not_negative("noise", noise)
        self.num_replicas = num_replicas
        self.seed = check_integer("seed", seed, minimum=0)
        self._seed_generator = keras.random.SeedGenerator(self.seed)
        track_variable(self, self._seed_generator.state)

    def build(self, variables):
        replicas = self.num_replicas
        others = {
            x.path: tuple(x.shape)
            for x in variables
            if replicas not in (None, *x.shape[:1])
        }
        if others:
            raise ValueError(
                f"With num_replicas={replicas}, each weight must have {replicas} replicas "
                "along its first axis. Give the same `num_replicas` to the layer, and "
                f"use no other layers with weights. Received the shapes: {others}"
            )
        super().build(variables)

    def prepare_gradients(self, grads):
        grads = [ops.convert_to_tensor(g) for g in grads]
        dtypes = [g.dtype for g in grads]
        # Squares of half precision overflow.
        dtype = keras.backend.result_type("float32", *dtypes)
        grads = [ops.cast(g, dtype) for g in grads]
        # A norm is over all axes of a weight, or over all but the axis of the replicas.
        first_axis = 0 if self.num_replicas is None else 1
        if self.num_replicas is not None:
            grads = [g * self.num_replicas for g in grads]
        norm = ops.sqrt(  # () or (K,)
            sum(
                ops.sum(ops.square(g), axis=tuple(range(first_axis, len(g.shape))))
                for g in grads
            )
        )
        finite = ops.isfinite(norm)
        scale = ops.ones_like(norm)
        if self.gradient_norm is not None:
            scale = self.gradient_norm / ops.maximum(norm, self.gradient_norm)
        step = ops.cast(self.iterations, dtype)
        deviation = ops.sqrt(self.noise / (1 + step) ** 0.55)
        # The devices of a strategy draw the same noise, and their gradients are added.
        deviation = scale_loss_for_distribution(deviation)

        def prepare(g):
            shape = (-1,) + (1,) * (len(g.shape) - 1) if self.num_replicas else ()
            g = ops.where(ops.reshape(finite, shape), g * ops.reshape(scale, shape), 0.0)
            if self.noise:
                noise = random_numbers.normal(g.shape, self._seed_generator)
                g = g + deviation * ops.cast(noise, dtype)
            return g

        return [ops.cast(prepare(g), own) for g, own in zip(grads, dtypes, strict=True)]

    def get_config(self):
        return {
            **super().get_config(),
            "gradient_norm": self.gradient_norm,
            "noise": self.noise,
            "num_replicas": self.num_replicas,
            "seed": self.seed,
        }


@keras.saving.register_keras_serializable(package="keras_nm")
class ClippedAdamax(keras.optimizers.Adamax):
    """Adamax that clips each component of the gradient, for a `NeuralGPU`.

    A component counts as at most 1.2 times its decaying maximum so far, plus 1e-4. One
    large gradient, of which a loop of many steps has some, then changes little (Freivalds
    and Liepins 2017, arXiv 1702.08727). They train with a `learning_rate` of
    0.48 / `num_maps`. Their optimizer has no bias correction, and its `beta_2` rises during
    training.

    Args:
        *args: As for `keras.optimizers.Adamax`.
        **kwargs: As for `keras.optimizers.Adamax`.

    Raises:
        ValueError: For arguments that `keras.optimizers.Adamax` rejects.

    Example:

    >>> import keras, keras_nm, numpy as np
    >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    >>> model.compile(keras_nm.training.ClippedAdamax(0.01), "mse")
    >>> history = model.fit(np.ones((4, 1)), np.ones((4, 1)), verbose=0)
    """

    def update_step(self, gradient, variable, learning_rate):
        limit = 1.2 * largest_gradients(self, variable) + 1e-4
        gradient = ops.clip(ops.convert_to_tensor(gradient, limit.dtype), -limit, limit)
        super().update_step(gradient, variable, learning_rate)
