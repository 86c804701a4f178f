"""Random numbers from the seed generator of a layer or an optimizer.

`keras.random` lets TensorFlow choose the generator. With XLA on a CPU, TensorFlow chooses
one that takes forty times as long as Philox.
"""

import keras
from keras import ops


def uniform(shape, seed_generator):
    """Draws numbers in [0, 1).

    Args:
        shape: Tuple of integers or scalar tensors.
        seed_generator: A `keras.random.SeedGenerator`, whose state this changes.

    Returns:
        Tensor, float32.
    """
    return _draw("uniform", shape, seed_generator)


def normal(shape, seed_generator):
    """Draws numbers of a normal distribution with mean 0 and standard deviation 1.

    Args:
        shape: As for `uniform`.
        seed_generator: As for `uniform`.

    Returns:
        Tensor, float32.
    """
    return _draw("normal", shape, seed_generator)


def _draw(distribution, shape, seed_generator):
    if keras.backend.backend() != "tensorflow":
        draw = getattr(keras.random, distribution)
        return draw(shape, dtype="float32", seed=seed_generator)

    import tensorflow as tf

    draw = getattr(tf.random, f"stateless_{distribution}")
    # XLA takes seeds of 32 bits, and Keras keeps them in 64.
    seed = ops.cast(seed_generator.next() % (2**31 - 1), "int32")
    return draw(shape, seed, dtype="float32", alg="philox")
