import dataclasses
import fcntl
import json
import shutil
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pytest
import small_runs
import tensorflow as tf
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData
from tensorflow.python.summary.summary_iterator import summary_iterator

from keras_nm.runs import pictures
from keras_nm.training import (
    RECIPES,
    Recipe,
    Run,
    RunError,
    build_model,
    evaluate,
    evaluate_range,
    load_run,
    resume,
    train,
    train_or_resume,
)

BASELINE = small_runs.BASELINE
TINY = small_runs.changed(
    RECIPES["ntm/copy"]["ntm"],
    layer={"controller": small_runs.NOISY_CONTROLLER},
    task_options={"max_length": 2, "num_bits": 3},
    batch_size=8,
    steps_per_epoch=3,
    epochs=3,
)


def weights_of(run):
    return [*run.model.get_weights(), *(v.numpy() for v in run.model.optimizer.variables)]


def assert_same(first, second):
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    directory = tmp_path_factory.mktemp("run") / "tiny"
    return directory, train(TINY, directory, seed=5, verbose=0)


@pytest.fixture(scope="module")
def baseline(tmp_path_factory):
    directory = tmp_path_factory.mktemp("run") / "baseline"
    return directory, small_runs.train_and_copy(BASELINE, directory, seed=5, epochs=2)[0]


def test_a_run_directory_holds_what_repeats_it(finished):
    directory, run = finished
    description = json.loads((directory / "recipe.json").read_text())
    assert description["seed"] == 5
    assert description["recipe"] == dataclasses.asdict(TINY)
    assert description["versions"]["keras"] == keras.__version__
    rows = (directory / "curve.csv").read_text().splitlines()
    assert len(rows) == 1 + TINY.epochs
    assert "val_bits_per_sequence" in rows[0]
    assert list((directory / "tensorboard").rglob("events*"))
    assert run.result["examples"] == TINY.epochs * 3 * TINY.batch_size
    last = float(rows[-1].split(",")[rows[0].split(",").index("val_bits_per_sequence")])
    np.testing.assert_allclose(run.result["bits_per_sequence"], last, rtol=1e-5)
    loaded = load_run(directory)
    assert loaded.recipe == TINY
    assert loaded.result == run.result
    assert_same(weights_of(loaded), weights_of(run))


def test_the_seed_decides_the_weights(baseline, tmp_path):
    _, run = baseline
    again = train(BASELINE, tmp_path / "again", seed=5, verbose=0)
    assert_same(weights_of(again), weights_of(run))
    recipe = dataclasses.replace(BASELINE, epochs=1)
    other = train(recipe, tmp_path / "other", seed=6, verbose=0)
    assert np.abs(other.model.get_weights()[0] - run.model.get_weights()[0]).max() > 0


def test_an_interrupted_run_resumes_to_the_same_weights(baseline, tmp_path):
    original, run = baseline
    directory = shutil.copytree(f"{original}-killed", tmp_path / "killed")
    half = load_run(directory)
    assert half.result is None
    assert int(half.model.optimizer.iterations) == 6
    # As if killed between the line of an epoch and its model.
    with open(directory / "curve.csv", "a") as curve:
        curve.write("2,9,9,9,9,9,9\n")
    resumed = resume(directory, verbose=0)
    assert_same(weights_of(resumed), weights_of(run))
    curves = [path / "curve.csv" for path in (directory, original)]
    assert curves[0].read_text() == curves[1].read_text()
    assert resumed.result == run.result


def test_a_run_is_trained_as_far_as_it_is_not_yet(baseline, tmp_path):
    original, run = baseline
    shutil.copytree(f"{original}-killed", tmp_path / "killed")
    for name in ("new", "killed", "killed"):
        made = train_or_resume(BASELINE, tmp_path / name, seed=5, verbose=0)
        assert_same(weights_of(made), weights_of(run))
        assert made.result == run.result
    before = snapshot(tmp_path)
    for recipe, seed in ((BASELINE, 6), (TINY, 5)):
        with pytest.raises(RunError, match="another recipe or seed"):
            train_or_resume(recipe, tmp_path / "killed", seed)
    assert snapshot(tmp_path) == before


def test_a_resumed_run_continues_the_random_numbers_of_dropout(tmp_path):
    layer = {
        "module": "keras.layers",
        "class_name": "LSTM",
        "config": {"units": 7, "dropout": 0.2},
    }
    recipe = dataclasses.replace(BASELINE, layer=layer, epochs=2)
    run, killed = small_runs.train_and_copy(recipe, tmp_path / "run", seed=5, epochs=1)
    assert_same(weights_of(resume(killed, verbose=0)), weights_of(run))


@pytest.mark.slow
def test_a_resumed_run_continues_the_drawn_memories(tmp_path):
    recipe = small_runs.changed(TINY, layer={"initial_memory": "drawn"}, epochs=2)
    run, killed = small_runs.train_and_copy(recipe, tmp_path / "run", seed=5, epochs=1)
    assert_same(weights_of(resume(killed, verbose=0)), weights_of(run))


def test_a_run_killed_before_its_first_epoch_resumes_from_the_start(baseline, tmp_path):
    directory, run = baseline
    (tmp_path / "recipe.json").write_bytes((directory / "recipe.json").read_bytes())
    with pytest.raises(RunError, match="not completed an epoch"):
        load_run(tmp_path)
    assert_same(weights_of(resume(tmp_path, verbose=0)), weights_of(run))


@pytest.mark.slow
def test_a_killed_process_leaves_a_run_that_resumes(tmp_path):
    recipe = dataclasses.replace(TINY, epochs=6)
    whole = train(recipe, tmp_path / "whole", seed=5, verbose=0)
    directory = tmp_path / "killed"
    (tmp_path / "recipe.json").write_text(json.dumps(dataclasses.asdict(recipe)))
    script = (
        "import json, sys; from keras_nm.training import Recipe, train\n"
        "recipe = Recipe.from_dict(json.load(open(sys.argv[1])))\n"
        "train(recipe, sys.argv[2], seed=5, verbose=0)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, tmp_path / "recipe.json", directory],
        stderr=subprocess.DEVNULL,
    )
    curve = directory / "curve.csv"
    deadline = time.monotonic() + 120
    while not (curve.exists() and len(curve.read_text().splitlines()) > 2):
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    killed = load_run(directory)
    assert killed.result is None
    assert 3 <= int(killed.model.optimizer.iterations) < 18
    resumed = resume(directory, verbose=0)
    assert int(resumed.model.optimizer.iterations) == 18
    assert_same(weights_of(resumed), weights_of(whole))


def test_training_stops_when_solved(tmp_path):
    easy = dataclasses.replace(BASELINE, stop_below=1e6)
    run = train(easy, tmp_path / "easy", verbose=0)
    assert run.result["examples"] == 3 * BASELINE.batch_size


def test_training_gives_up_by_its_rule(tmp_path):
    size = BASELINE.batch_size * BASELINE.steps_per_epoch
    bits = train(BASELINE, tmp_path / "all", verbose=0).curve("val_bits_per_sequence")[1]
    assert len(bits) >= 3
    rule = {"above": min(bits[:2]), "examples": 2 * size}  # below, and not at it
    recipe = dataclasses.replace(BASELINE, give_up=rule)
    run, killed = small_runs.train_and_copy(recipe, tmp_path / "hopeless", epochs=2)
    assert run.result["examples"] == 2 * size
    # A run that was interrupted before its result is not trained further.
    assert resume(killed, verbose=0).result == run.result
    rule = {"above": min(bits[:2]) + 1e-3, "examples": 2 * size}
    recipe = dataclasses.replace(BASELINE, give_up=rule)
    run = train(recipe, tmp_path / "hopeful", verbose=0)
    assert run.result["examples"] == len(bits) * size


def test_evaluate_at_other_lengths_and_locations(finished):
    _, run = finished
    result = evaluate(run, length=4)
    assert result["examples"] == 128
    assert 0 <= result["wrong_bits_per_sequence"] <= 12
    assert result["bits_per_sequence"] > 0
    larger = evaluate(run.with_memory_size(50), length=4)
    assert larger["bits_per_sequence"] != result["bits_per_sequence"]
    same = evaluate(run.with_memory_size(24), length=4)
    np.testing.assert_allclose(same["bits_per_sequence"], result["bits_per_sequence"])


def test_a_range_of_lengths_is_measured_by_the_mean_over_lengths(finished):
    _, run = finished
    result = evaluate_range(run, range(2, 6))
    assert result["examples"] == 4 * 128
    # Of sequences of one length, the mean of wrong bits is a share of the bits.
    task = run.task.with_lengths(2, 5)
    wrong = []
    for index, length in enumerate(range(2, 6)):

        def draw_lengths(draws, length=length):
            return tf.fill((draws.batch_size, 1), length)

        options = {"start": 2 * index, "draw_lengths": draw_lengths}
        for x, y, weight in task.dataset(64, split="test", **options).take(2):
            missed = (run.model(x).numpy() > 0) != (y.numpy() > 0.5)
            wrong.append((missed * weight.numpy()[..., None]).sum(axis=(1, 2)).mean())
    assert result["wrong_bits_per_sequence"] == pytest.approx(np.mean(wrong), abs=1e-4)
    with pytest.raises(ValueError, match="a range with lengths"):
        evaluate_range(run, range(3, 3))


def test_a_range_is_measured_without_tensors_that_other_backends_do_not_take(
    baseline, monkeypatch
):
    _, run = baseline
    measure, taken = type(run.model).test_on_batch, []

    def measure_arrays(model, *batch, **options):
        taken.extend(type(array) for array in batch)
        return measure(model, *batch, **options)

    monkeypatch.setattr(type(run.model), "test_on_batch", measure_arrays)
    evaluate_range(run, range(2, 3))
    assert taken == 3 * [np.ndarray]


def test_a_range_leaves_out_lengths_that_no_example_has(tmp_path):
    recipe = dataclasses.replace(
        BASELINE, task="neural_gpu/duplicate", task_options={"max_length": 4}, epochs=1
    )
    run = train(recipe, tmp_path / "run", verbose=0)
    lengths = [run.task.smallest_length + 2, run.task.smallest_length + 4]
    assert evaluate_range(run, range(-4, 4)) == evaluate_range(run, range(2, 3))
    result = evaluate_range(run, range(lengths[0] - 1, lengths[1] + 2))
    expected = evaluate_range(run, range(lengths[0], lengths[1] + 1, 2))
    assert result == expected
    assert result["examples"] == 2 * 128
    with pytest.raises(ValueError, match=r"examples of duplicate can have: 2, 4 and so on"):
        evaluate_range(run, range(5, 6))


def test_evaluate_with_other_settings_of_the_task(baseline, tmp_path):
    _, run = baseline
    with pytest.raises(ValueError, match=r"has the options .*num_bits.* max_repeat"):
        evaluate(run, 2, max_repeat=5)
    with pytest.raises(ValueError, match=r"have the sizes \(6, 5\)"):
        evaluate(run, 2, num_bits=5)

    options = {"max_length": 2, "num_bits": 2, "max_repeats": 2}
    recipe = dataclasses.replace(BASELINE, task="ntm/repeat_copy", task_options=options)
    repeater = train(recipe, tmp_path / "run", verbose=0)
    often = evaluate(repeater, 1, min_repeats=5, max_repeats=5)
    task = dataclasses.replace(repeater.task, min_repeats=5, max_repeats=5)
    data = task.evaluation_set(1, 64, 2)
    expected = repeater.model.evaluate(data, verbose=0, return_dict=True)
    assert often["bits_per_sequence"] == pytest.approx(expected["bits_per_sequence"])
    assert often["bits_per_sequence"] > evaluate(repeater, 1)["bits_per_sequence"]


def test_a_number_of_locations_that_cannot_be_is_found_before_training(tmp_path):
    learned = {
        **TINY.layer,
        "config": {**TINY.layer["config"], "initial_memory": "learned"},
    }
    lstm = {"module": "keras.layers", "class_name": "LSTM", "config": {"units": 3}}
    for layer, message in [(learned, "initial_memory='learned'"), (lstm, "no memory")]:
        recipe = dataclasses.replace(TINY, layer=layer, memory_size=50)
        with pytest.raises(ValueError, match=message):
            train(recipe, tmp_path / "run", verbose=0)
    assert not (tmp_path / "run").exists()


def test_a_machine_leaves_training_with_more_locations(finished, tmp_path):
    recipe = dataclasses.replace(TINY, memory_size=50)
    run = train(recipe, tmp_path / "run", seed=5, verbose=0)
    assert run.model.get_layer("machine").cell.memory_shape[0] == 50
    loaded = load_run(tmp_path / "run")
    assert loaded.model.get_layer("machine").cell.memory_shape[0] == 50
    assert_same(weights_of(loaded), weights_of(run))
    assert loaded.num_examples == run.num_examples == run.result["examples"]
    # Trained as without, and measured with them.
    _, same = finished
    assert_same(weights_of(same), weights_of(run))
    larger = same.with_memory_size(50)
    data = run.task.evaluation_set(run.task.max_length, split="validation")
    expected = larger.model.evaluate(data, verbose=0, return_dict=True)
    for name in run.recipe.spec.metrics:
        np.testing.assert_allclose(run.result[name], expected[name], rtol=1e-5)
    assert run.result["bits_per_sequence"] != same.result["bits_per_sequence"]


def test_a_baseline(baseline):
    directory, run = baseline
    assert run.model.output_shape == (None, None, run.task.output_size)
    assert isinstance(run.layer, keras.layers.RNN)
    assert evaluate(load_run(directory), 3)["examples"] == 128
    with pytest.raises(RunError, match=r"The layer of the run in .* is the layer RNN"):
        pictures.picture(run)


def test_whole_executions_make_whole_epochs(tmp_path):
    odd = dataclasses.replace(BASELINE, steps_per_epoch=75, epochs=2)
    run = train(odd, tmp_path / "odd", verbose=0)
    assert int(run.model.optimizer.iterations) == 150


def test_bad_recipes_leave_nothing_behind(tmp_path):
    with pytest.raises(ValueError, match="task='sort'"):
        train(dataclasses.replace(TINY, task="sort"), tmp_path / "a", verbose=0)
    with pytest.raises(ValueError, match="`layer` must be a Keras configuration"):
        train(dataclasses.replace(TINY, layer={"x": object()}), tmp_path / "b")
    with pytest.raises(ValueError, match="seed=-1"):
        train(TINY, tmp_path / "c", seed=-1)
    with pytest.raises(ValueError, match="seed=4294967296"):
        train(TINY, tmp_path / "d", seed=2**32)
    assert list(tmp_path.iterdir()) == []


def test_two_processes_cannot_train_one_run(finished, tmp_path):
    directory, _ = finished
    (tmp_path / "recipe.json").write_bytes((directory / "recipe.json").read_bytes())
    with open(tmp_path / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(ValueError, match="Another process"):
            resume(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"recipe.json", ".lock"}


def test_a_run_that_another_process_began_meanwhile_is_left_alone(tmp_path, monkeypatch):
    def begin_another(recipe):
        (tmp_path / "recipe.json").write_text("another's")

    monkeypatch.setattr(Recipe, "make_curriculum", begin_another)
    with pytest.raises(RunError, match="not empty"):
        train(TINY, tmp_path)
    assert (tmp_path / "recipe.json").read_text() == "another's"


def test_what_a_killed_process_left_does_not_keep_a_run_out(tmp_path):
    (tmp_path / ".lock").touch()
    (tmp_path / "partial-recipe.json").write_text("{")
    train(dataclasses.replace(BASELINE, epochs=1), tmp_path, verbose=0)


def test_a_resumed_curve_keeps_its_columns(baseline, tmp_path):
    original, run = baseline
    directory = shutil.copytree(f"{original}-killed", tmp_path / "killed")
    # As if it had begun with a backend that does not have the column.
    lines = (directory / "curve.csv").read_text().splitlines()
    place = lines[0].split(",").index("gradient_norm")
    rows = [line.split(",") for line in lines]
    text = "".join(",".join(row[:place] + row[place + 1 :]) + "\n" for row in rows)
    (directory / "curve.csv").write_text(text)
    resumed = resume(directory, verbose=0)
    name = "val_bits_per_sequence"
    assert resumed.curve(name) == run.curve(name)
    with pytest.raises(RunError, match="gradient_norm"):
        resumed.curve("gradient_norm")


def snapshot(directory):
    return {path: path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def test_nothing_is_overwritten(finished, tmp_path):
    directory, _ = finished
    before = snapshot(directory)
    with pytest.raises(RunError, match="not empty"):
        train(TINY, directory)
    with pytest.raises(RunError, match="finished"):
        resume(directory)
    assert snapshot(directory) == before
    file = tmp_path / "file"
    file.write_text("mine")
    with pytest.raises(RunError, match="not empty"):
        train(TINY, file)
    assert file.read_text() == "mine"


def test_missing_and_damaged_runs(finished, tmp_path):
    with pytest.raises(RunError, match="not a run directory"):
        load_run(tmp_path / "nothing")
    with pytest.raises(RunError, match="not a run directory"):
        resume(tmp_path / "nothing")
    directory, _ = finished
    for name in ("recipe.json", "model.keras", "result.json"):
        damaged = tmp_path / name
        damaged.mkdir()
        for path in directory.glob("*.*"):
            content = path.read_bytes()
            half = len(content) // 2 if path.name == name else None
            (damaged / path.name).write_bytes(content[:half])
        with pytest.raises(RunError, match="damaged"):
            load_run(damaged)
    (damaged / "result.json").write_bytes((directory / "result.json").read_bytes())
    (damaged / "model.keras").unlink()
    with pytest.raises(RunError, match=r"damaged.*model.keras is missing"):
        load_run(damaged)


def test_a_run_of_an_unknown_class_is_not_called_damaged(finished, tmp_path):
    copied = tmp_path / "run"
    shutil.copytree(finished[0], copied)
    recipe = copied / "recipe.json"
    recipe.write_text(recipe.read_text().replace("NTM", "Mine"))
    with pytest.raises(ValueError, match=r"no Keras layer 'Mine'.*import its module"):
        load_run(copied)


TAPES = Recipe(
    task="nram/increment",
    layer={
        "class_name": "keras_nm>NRAM",
        "registered_name": "keras_nm>NRAM",
        "config": {"num_registers": 2, "num_steps": 1, "gates": ["READ", "INC", "WRITE"]},
    },
    optimizer={"class_name": "Adam", "config": {"learning_rate": 0.01}},
    batch_size=4,
    steps_per_epoch=3,
    epochs=4,
    stop_below=0.0,
    jit_compile=False,
    task_options={"max_length": 4},
    # Whatever the error is, the level rises after every other epoch.
    curriculum={"monitor": "wrong_cells", "threshold": 2.0, "min_batches": 6},
)


def test_a_run_with_a_curriculum_resumes_at_its_level(tmp_path):
    directory = tmp_path / "whole"
    whole, killed = small_runs.train_and_copy(TAPES, directory, seed=2, epochs=2)
    resumed = resume(killed, verbose=0)
    assert_same(weights_of(resumed), weights_of(whole))
    curves = [(path / "curve.csv").read_text() for path in (killed, directory)]
    assert curves[0] == curves[1]
    header, *rows = (line.split(",") for line in curves[0].splitlines())
    assert [row[header.index("level")] for row in rows] == ["1", "2", "2", "3"]
    assert set(resumed.result) == {
        *("examples", "wrong_cells", "exact_tapes", "mean_steps", "discrete_wrong_cells")
    }


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"curriculum": {"monitor": "loss", "threshold": -1}}, "`threshold` must be"),
        (
            {"curriculum": {"monitor": "bits", "threshold": 1}},
            "'wrong_cells', .*'val_loss'",
        ),
        (
            {"curriculum": {"monitor": "loss", "level": 1}},
            "curriculum does not fit: .*level",
        ),
        ({"give_up": {"above": 3.0}}, "must be a dict with `above` and `examples`"),
        ({"give_up": 100}, "must be a dict with `above` and `examples`"),
        ({"give_up": {"above": 3.0, "examples": 0.5}}, "`examples` must be an integer"),
        ({"task_options": {"max_len": 3}}, "task_options do not fit: .*max_len"),
        ({"task": "nram/sort"}, "`task` must be one of 'ntm/copy'"),
    ],
)
def test_a_wrong_recipe_leaves_no_directory(tmp_path, change, message):
    with pytest.raises(ValueError, match=message):
        train(dataclasses.replace(TAPES, **change), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_only_an_ntm_has_locations(tmp_path):
    run = Run(tmp_path, TAPES, 0, {}, build_model(TAPES), None)
    with pytest.raises(ValueError, match="no memory whose size can be changed"):
        run.with_memory_size(7)


def test_a_run_by_an_earlier_version_loads(finished, tmp_path):
    directory, run = finished
    for name in ("model.keras", "result.json"):
        (tmp_path / name).write_bytes((directory / name).read_bytes())
    description = json.loads((directory / "recipe.json").read_text())
    recipe = description["recipe"]
    del recipe["memory_size"], recipe["callbacks"], recipe["jit_compile"]
    recipe |= {"num_locations": None, "entropy_schedule": None}
    (tmp_path / "recipe.json").write_text(json.dumps(description))
    loaded = load_run(tmp_path)
    assert loaded.recipe == dataclasses.replace(TINY, jit_compile=True)
    assert_same(weights_of(loaded), weights_of(run))


def test_tensorboard_shows_what_a_run_was_made_of(finished):
    directory, run = finished
    log_dir = directory / "tensorboard"
    [file] = log_dir.glob("events.out.tfevents.*")
    [start] = [
        HParamsPluginData.FromString(value.metadata.plugin_data.content).session_start_info
        for event in summary_iterator(str(file))
        for value in event.summary.value
        if value.tag == "_hparams_/session_start_info"
    ]
    settings = {
        name: getattr(value, value.WhichOneof("kind"))
        for name, value in start.hparams.items()
    }
    expected = {
        "task": "ntm/copy",
        "seed": 5,
        "batch_size": 8,
        "layer.class_name": "NTM",
        "layer.controller.layers.0.class_name": "LSTMCell",
        "layer.controller.layers.0.units": 100,
        "layer.controller.layers.1.stddev": 0.2,
        "optimizer.learning_rate.initial_learning_rate": 2e-3,
        "task_options.num_bits": 3,
    }
    assert {name: settings[name] for name in expected} == expected
    assert {"train", "validation", "probe"} <= {path.name for path in log_dir.iterdir()}
    examples, norms = run.curve("gradient_norm")
    assert examples == [24, 48, 72]
    assert min(norms) > 0


def test_weights_are_kept(finished):
    directory, run = finished
    kept = run.checkpoints()
    assert list(kept) == [0, 24, 48, 72]
    model = load_run(directory).model
    model.load_weights(kept[72])
    assert_same(model.get_weights(), run.model.get_weights())
    model.load_weights(kept[24])
    assert not np.array_equal(model.get_weights()[0], run.model.get_weights()[0])
