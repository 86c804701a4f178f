"""Random numbers have their distribution and follow their seed."""

import keras
import numpy as np

from keras_nm.layers.random_numbers import normal, uniform


def test_distributions():
    seed = keras.random.SeedGenerator(0)
    numbers = np.sort(np.asarray(uniform((100, 100), seed)).ravel())
    # The largest distance of the distribution functions, as Kolmogorov and Smirnov test it.
    assert np.abs(numbers - np.arange(10_000) / 10_000).max() < 0.02
    numbers = np.asarray(normal((100, 100), seed))
    assert abs(numbers.mean()) < 0.05
    assert abs(numbers.std() - 1) < 0.03
    assert abs(np.mean(np.abs(numbers) < 1) - 0.6827) < 0.02


def test_the_seed_goes_on():
    def twice(seed):
        seed = keras.random.SeedGenerator(seed)
        return [np.asarray(normal((5,), seed)) for _ in range(2)]

    np.testing.assert_array_equal(twice(1), twice(1))
    assert np.all(twice(1)[0] != twice(1)[1])
    assert np.all(twice(1)[0] != twice(2)[0])
