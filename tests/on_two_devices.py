"""Run by `test_two_devices.py`: checks with a strategy for two halves of the processor."""

import keras
import numpy as np
import tensorflow as tf

cpu = tf.config.list_physical_devices("CPU")[0]
halves = [tf.config.LogicalDeviceConfiguration()] * 2
tf.config.set_logical_device_configuration(cpu, halves)
STRATEGIES = [
    tf.distribute.get_strategy(),
    tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]),
]

from keras_nm.layers import NRAM, NeuralGPU  # noqa: E402
from keras_nm.tasks import nram  # noqa: E402
from keras_nm.training import (  # noqa: E402
    BitsPerSequenceLoss,
    Curriculum,
    EntropySchedule,
    GradientNorm,
    NoisyAdam,
    TapeLoss,
    TokenLoss,
    WrongCells,
)


def check_losses():
    """They add up to the loss of the whole batch."""
    _, strategy = STRATEGIES
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 2, (4, 3, 5)).astype("float32")
    logits = rng.normal(size=(4, 3, 5)).astype("float32")
    tape = rng.integers(0, 3, (4, 3))
    outputs = NRAM(2, num_steps=2, gates=["READ", "ZERO", "MAX"])(tape).numpy()
    for loss, *batch in (
        (BitsPerSequenceLoss(), bits, logits),
        (TapeLoss(), tape[::-1], outputs),
        (TapeLoss("log_expected"), tape[::-1], outputs),
    ):

        def half_of_batch(context, batch=batch):
            first = 2 * context.replica_id_in_sync_group
            return tuple(tf.constant(each[first : first + 2]) for each in batch)

        values = strategy.experimental_distribute_values_from_function(half_of_batch)
        run = tf.function(lambda pair, loss=loss: loss(*pair))
        parts = strategy.run(run, (values,))
        total = strategy.reduce("SUM", parts, axis=None)
        np.testing.assert_allclose(total, loss(*batch), rtol=1e-5)


def check_costs_of_a_neural_gpu():
    tokens = np.array([[1, 2, 3], [1, 3, 1], [2, 2, 1], [3, 1, 1]], "int32")
    found = []
    for strategy in STRATEGIES:
        with strategy.scope():
            keras.utils.set_random_seed(0)
            options = {"saturation_weight": 10.0, "saturation_limit": 0.1}
            layer = NeuralGPU(3, num_maps=6, num_symbols=4, **options)
            model = keras.Sequential([keras.Input((None,), dtype="int32"), layer])
            model.compile(keras.optimizers.SGD(0.0), TokenLoss(), jit_compile=False)
        history = model.fit(tokens, tokens % 3, batch_size=4, verbose=0).history
        cost = float(keras.ops.convert_to_numpy(layer.saturation_cost))
        found.append([history["loss"][0], cost])
    np.testing.assert_allclose(*found, rtol=1e-4)


def check_schedules_of_an_nram():
    task = nram.Increment(max_length=3)
    tape, answer, cells = next(task.dataset(4).as_numpy_iterator())
    for strategy in STRATEGIES:
        with strategy.scope():
            layer = NRAM(2, num_steps=2, entropy_weight=-1.0, gates=["READ", "ZERO"])
            model = keras.Sequential([keras.Input((None,), dtype="int32"), layer])
            metrics = [WrongCells()]
            model.compile("sgd", TapeLoss(), weighted_metrics=metrics, jit_compile=False)
        curriculum = Curriculum(task, "wrong_cells", threshold=2.0, min_batches=1)
        callbacks = [curriculum, EntropySchedule(layer, half_life=1)]
        options = {"batch_size": 4, "epochs": 2, "shuffle": False, "verbose": 0}
        model.fit(tape, answer, sample_weight=cells, callbacks=callbacks, **options)
        assert curriculum.level == 3
        weight = keras.ops.convert_to_numpy(layer.entropy_weight)
        np.testing.assert_allclose(weight, -0.5, rtol=1e-5)


def check_the_gradient():
    """Its norm, and the noise that is added to it."""
    x, norms, deviations = np.ones((4, 20_000), "float32"), [], []
    for strategy in STRATEGIES:
        with strategy.scope():
            model = keras.Sequential(
                [keras.Input((20_000,)), keras.layers.Dense(1, kernel_initializer="zeros")]
            )
            optimizer = NoisyAdam(1.0, gradient_norm=None, noise=1.0, beta_1=0.0)
            model.compile(optimizer, "mse", jit_compile=False)
        options = {"batch_size": 4, "callbacks": [GradientNorm()], "verbose": 0}
        norms += model.fit(x, np.ones((4, 1)), **options).history["gradient_norm"]
        # The mean of the gradients is -2, and the rest is noise.
        momentum = optimizer.variables[3]
        deviations.append(np.std(keras.ops.convert_to_numpy(momentum)))
    np.testing.assert_allclose(norms, 2 * 20_001**0.5, rtol=1e-4)
    np.testing.assert_allclose(deviations, 1, rtol=0.03)


if __name__ == "__main__":
    check_losses()
    check_costs_of_a_neural_gpu()
    check_schedules_of_an_nram()
    check_the_gradient()
    print("the same on two devices")
