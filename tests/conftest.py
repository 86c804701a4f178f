import contextlib
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import pytest


@pytest.fixture(autouse=True)
def _seed():
    keras.utils.set_random_seed(0)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@contextlib.contextmanager
def no_xla():
    """Models train at once: what is tested is not how fast they go on."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("make_train_function", "make_test_function"):
            make = getattr(keras.Model, name)

            def make_without_xla(model, force=False, make=make):
                model.jit_compile = False
                return make(model, force)

            patch.setattr(keras.Model, name, make_without_xla)
        yield


@pytest.fixture(scope="module")
def without_xla():
    with no_xla():
        yield
