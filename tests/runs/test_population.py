"""Seeds trained together end as they do alone."""

import dataclasses
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from keras_nm.files import locked
from keras_nm.training import (
    RECIPES,
    RunError,
    evaluate,
    evaluate_runs,
    load_run,
    resume,
    sweep,
    train,
    train_population,
)

RECIPE = dataclasses.replace(
    RECIPES["nram/access"]["nram"],
    layer={
        "module": "keras_nm.layers",
        "class_name": "NRAM",
        "registered_name": "keras_nm>NRAM",
        "config": {
            "num_registers": 2,
            "num_steps": 2,
            "gates": ["READ", "ONE", "WRITE"],
            "entropy_weight": -0.5,
        },
    },
    optimizer={
        **RECIPES["nram/access"]["nram"].optimizer,
        # Without it a weight whose gradient is nothing but rounding takes a whole step.
        "config": {"learning_rate": 0.01, "epsilon": 0.01},
    },
    task_options={"max_length": 3},
    batch_size=4,
    steps_per_epoch=2,
    epochs=3,
    jit_compile=False,
    curriculum={"monitor": "wrong_cells", "threshold": 0.8},
    callbacks={"entropy_schedule": {"half_life": 4, "penalty": 0.1, "penalty_from": 4}},
)
SEEDS = (0, 3)


@pytest.fixture(scope="module")
def population(tmp_path_factory):
    directory = tmp_path_factory.mktemp("population")
    directories = {seed: directory / str(seed) for seed in SEEDS}
    # What a training leaves that is killed at once.
    directories[3].mkdir()
    (directories[3] / ".lock").touch()
    seconds = train_population(RECIPE, directories, verbose=0)
    return directories, seconds


def test_a_seed_ends_as_it_does_alone(population, tmp_path):
    directories, _ = population
    seed = SEEDS[-1]
    run = load_run(directories[seed])
    alone = train(RECIPE, tmp_path / "alone", seed, verbose=0)
    assert (run.recipe.to_json(), run.seed) == (RECIPE.to_json(), seed)
    assert run.result["examples"] == 24
    assert run.result == pytest.approx(alone.result, abs=1e-5)
    for name in ("level", "wrong_cells", "val_wrong_cells", "val_discrete_wrong_cells"):
        ours, others = run.curve(name), alone.curve(name)
        assert ours[0] == others[0]
        np.testing.assert_allclose(ours[1], others[1], atol=1e-5)
    for one, other in zip(run.model.get_weights(), alone.model.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4)
    assert int(run.model.optimizer.iterations) == int(alone.model.optimizer.iterations)


def test_seeds_have_their_own_weights(population):
    directories, seconds = population
    assert list(seconds) == list(SEEDS)
    weights = [load_run(path).model.get_weights()[1] for path in directories.values()]
    assert abs(weights[0] - weights[1]).max() > 0.01


def test_runs_are_measured_together_as_alone(population):
    runs = [load_run(path) for path in population[0].values()]
    together = evaluate_runs(runs, 5)
    for run, result in zip(runs, together, strict=True):
        assert result == pytest.approx(evaluate(run, 5), abs=1e-6)
        assert result["num_steps"] == 2
        task = run.task.with_lengths(5, 5)
        wrong = []
        layer = run.model.get_layer("machine")
        for tape, answer, cells in task.evaluation_set(5, 32, 1):
            made = layer.run_integers(tape)["tape"].numpy()
            wrong.append(np.average(made != answer, weights=cells))
        assert result["discrete_wrong_cells"] == pytest.approx(np.mean(wrong))


def test_a_solved_seed_is_kept_as_it_was(tmp_path, capsys):
    easy = dataclasses.replace(RECIPE, stop_below=2.0, epochs=3)
    directories = {seed: tmp_path / str(seed) for seed in SEEDS}
    train_population(easy, directories, verbose=2)
    said = capsys.readouterr().out
    for seed, left in zip(SEEDS, (1, 0), strict=True):
        assert f"Seed {seed} is solved; {left} of 2 left" in said
        assert load_run(directories[seed]).result["examples"] == 8  # after one epoch
    with pytest.raises(RunError, match="exists and is not empty"):
        train_population(easy, directories)
    with pytest.raises(RunError, match="finished"):
        resume(directories[0])


@pytest.mark.slow
def test_diverged_seeds_are_reported(tmp_path, capsys, monkeypatch):
    from keras_nm.layers import NRAM

    assign = NRAM.assign_replica

    def poisoned(layer, index, other):
        if index == 1:
            weight = other.trainable_variables[0]
            weight.assign(np.nan * weight)
        assign(layer, index, other)

    monkeypatch.setattr(NRAM, "assign_replica", poisoned)
    directories = {seed: tmp_path / str(seed) for seed in SEEDS}
    train_population(RECIPE, directories, verbose=2)
    assert "Seed 3 has diverged" in capsys.readouterr().out
    for seed, directory in directories.items():
        weights = load_run(directory).model.get_weights()
        assert all(np.isfinite(w).all() for w in weights) == (seed != 3)


def test_other_recipes_are_refused(tmp_path):
    directories = {seed: tmp_path / str(seed) for seed in SEEDS}
    adam = dataclasses.replace(RECIPE, optimizer={"class_name": "Adam", "config": {}})
    for recipe in (adam, RECIPES["ntm/copy"]["ntm"]):
        with pytest.raises(ValueError, match="as NRAM and NoisyAdam do"):
            train_population(recipe, directories)
        with pytest.raises(ValueError, match="as NRAM and NoisyAdam do"):
            next(iter(sweep({"x": recipe}, range(4), tmp_path, [3], replicas=2)))
    on_loss = {"monitor": "val_loss", "threshold": 1.0}
    by_loss = dataclasses.replace(RECIPE, curriculum=on_loss)
    with pytest.raises(ValueError, match=r"mean over all seeds.*'val_loss'"):
        train_population(by_loss, directories)
    hopeless = dataclasses.replace(RECIPE, give_up={"above": 0.5, "examples": 8})
    with pytest.raises(ValueError, match=r"Leave `give_up` out, .*give_up={'above': 0.5"):
        train_population(hopeless, directories)
    with pytest.raises(ValueError, match="at least one seed"):
        train_population(RECIPE, {})
    with pytest.raises(ValueError, match="`seed` must be an integer of at least 0"):
        train_population(RECIPE, {-1: tmp_path / "run"})
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_another_process_trains_is_refused(tmp_path):
    directories = {seed: tmp_path / str(seed) for seed in SEEDS}
    with (
        locked(directories[3], ValueError()),
        pytest.raises(RunError, match="Another process is training the run"),
    ):
        train_population(RECIPE, directories)


def test_a_sweep_trains_seeds_together(tmp_path):
    def rows(replicas):
        with ThreadPoolExecutor(1) as executor:
            runs = sweep(
                *({"nram": RECIPE}, range(2), tmp_path, [3]),
                replicas=replicas,
                executor=executor,
            )
            return dict(runs)

    first = rows(replicas=2)
    assert set(first) == {"nram-0", "nram-1"}
    for name, row in first.items():
        run = load_run(tmp_path / name)
        assert row["examples"] == 24
        assert row["seconds"] > 0
        assert row["curve"] == run.curve("val_wrong_cells")
        # Only runs that are trained alone write this.
        assert not (tmp_path / name / "tensorboard").exists()
    assert first["nram-1"]["results"][3] == pytest.approx(evaluate(run, 3), abs=1e-6)
    assert rows(replicas=3) == first
