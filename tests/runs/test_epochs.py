"""Runs whose epochs cannot be told from the steps of their optimizer."""

import dataclasses

import keras
import numpy as np
import pytest
import small_runs

from keras_nm.training import load_run, resume, train

BASELINE = small_runs.BASELINE


def with_optimizer(**config):
    optimizer = {"class_name": "SGD", "config": {"learning_rate": 0.1, **config}}
    return dataclasses.replace(BASELINE, optimizer=optimizer)


def assert_same_files(first, second):
    assert (first / "curve.csv").read_text() == (second / "curve.csv").read_text()
    kept = [
        sorted(path.name for path in (x / "checkpoints").iterdir()) for x in (first, second)
    ]
    assert kept[0] == kept[1]


def test_gradients_of_several_batches_make_one_step(tmp_path):
    recipe = with_optimizer(gradient_accumulation_steps=2)
    whole, killed = small_runs.train_and_copy(recipe, tmp_path / "whole", epochs=3)
    assert load_run(killed).num_examples == 3 * 3 * 8
    resumed = resume(killed, verbose=0)
    assert resumed.num_examples == whole.result["examples"] == 4 * 3 * 8
    assert resumed.result == whole.result
    assert_same_files(whole.directory, killed)


def test_checkpoints_are_of_the_same_epochs_after_an_interruption(tmp_path):
    recipe = dataclasses.replace(with_optimizer(), steps_per_epoch=1, epochs=26)
    whole, killed = small_runs.train_and_copy(recipe, tmp_path / "whole", epochs=2)
    resume(killed, verbose=0)
    assert list(whole.checkpoints()) == [8 * epochs for epochs in range(0, 26, 3)]
    assert_same_files(whole.directory, killed)


def test_a_path_may_have_braces(tmp_path):
    run = train(with_optimizer(), tmp_path / "lr={0.1}{", verbose=0)
    assert list(run.checkpoints()) == [24 * epochs for epochs in range(5)]


def test_the_saved_model_has_the_averaged_weights(tmp_path):
    run = train(with_optimizer(use_ema=True), tmp_path / "run", verbose=0)
    loaded = load_run(run.directory)
    assert loaded.num_examples == run.num_examples == 96
    for ours, saved in zip(
        run.model.get_weights(), loaded.model.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(ours, saved)


def test_the_epochs_of_an_earlier_version_are_those_of_its_curve(tmp_path):
    # Without noise, whose random state such a file does not have either.
    recipe = dataclasses.replace(small_runs.COPY, steps_per_epoch=3, epochs=4)
    whole, killed = small_runs.train_and_copy(recipe, tmp_path / "whole", epochs=2)
    run = load_run(killed)
    run.model.save(killed / "model.keras")  # which does not say how many epochs there were
    assert load_run(killed).num_examples == 2 * 24
    assert resume(killed, verbose=0).result == whole.result


def test_a_class_that_is_not_registered_is_named(tmp_path):
    @keras.saving.register_keras_serializable("mine")
    class Mine(keras.layers.SimpleRNNCell):
        pass

    config = {"class_name": "Mine", "registered_name": "mine>Mine", "config": {"units": 3}}
    recipe = small_runs.changed(BASELINE, layer={"cell": config}, epochs=1)
    train(recipe, tmp_path / "run", verbose=0)
    del keras.saving.get_custom_objects()["mine>Mine"]
    with pytest.raises(
        ValueError, match=r"needs the class 'Mine', which is not registered"
    ):
        load_run(tmp_path / "run")
