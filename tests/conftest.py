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


# The models of `small_models`, exported once per worker. Tests may read the folders, but
# must not write into them.


@pytest.fixture(scope="session")
def exported_memory(tmp_path_factory):
    """The folder of the versions of an exported NTM."""
    return _export("memory", tmp_path_factory)


@pytest.fixture(scope="session")
def exported_machine(tmp_path_factory):
    """The folder of the versions of an exported NRAM without a program."""
    return _export("machine", tmp_path_factory)


@pytest.fixture(scope="session")
def exported_walker(tmp_path_factory):
    """The folder of the versions of an exported NRAM with a program."""
    return _export("walker", tmp_path_factory)


def _export(name, tmp_path_factory):
    import small_models

    from keras_nm.export import export

    model, card = getattr(small_models, name)()
    directory = tmp_path_factory.mktemp("exported") / name
    export(model, directory, card=card)
    return directory


# The runs of `small_runs`, trained once per worker. Tests must leave them as they are.


@pytest.fixture(scope="session")
def copy_run(tmp_path_factory):
    """A `Run` of an NTM, of 14 epochs with one batch of 8 examples in each."""
    return _train("COPY", tmp_path_factory)


@pytest.fixture(scope="session")
def access_run(tmp_path_factory):
    """A `Run` of an NRAM."""
    return _train("ACCESS", tmp_path_factory)


def _train(name, tmp_path_factory):
    import small_runs

    from keras_nm.training import train

    directory = tmp_path_factory.mktemp("run") / name.lower()
    return train(getattr(small_runs, name), directory, seed=1, verbose=0)
