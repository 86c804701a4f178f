import dataclasses
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import small_runs
import tensorflow as tf
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from keras_nm import plots
from keras_nm.runs import pictures
from keras_nm.training import RECIPES, RunError, evaluate, train


def panel(figure, title):
    [axes] = [axes for axes in figure.axes if axes.get_title() == title]
    return np.asarray(axes.images[0].get_array())


def test_the_examples_are_those_of_the_test_split(copy_run):
    x, _, _ = next(iter(copy_run.task.evaluation_set(2, batch_size=4)))
    figure = pictures.picture(copy_run, length=2, example=3)
    np.testing.assert_array_equal(panel(figure, "Inputs"), x[3].numpy().T)
    outputs = 1 / (1 + np.exp(-copy_run.model(x[3:]).numpy()[0]))
    np.testing.assert_allclose(panel(figure, "Outputs"), outputs.T, atol=1e-5)
    longest = pictures.picture(copy_run)
    assert panel(longest, "Inputs").shape == (4, 7)
    other = pictures.picture(copy_run, max_length=2)
    assert panel(other, "Inputs").shape == (4, 5)
    [*_, other] = pictures.time_frames(copy_run, max_length=2)
    assert panel(other, "Inputs").shape == (4, 5)
    [*_, other] = pictures.training_frames(copy_run, max_length=2)
    assert panel(other, "Inputs").shape == (4, 5)
    with pytest.raises(ValueError, match="Received: repeats"):
        pictures.picture(copy_run, repeats=2)
    with pytest.raises(ValueError, match="`length` must be an integer of at least 1"):
        pictures.picture(copy_run, length=0)
    with pytest.raises(ValueError, match="`example` must be an integer of at least 0"):
        pictures.picture(copy_run, example=-1)


def test_a_longer_example_has_room_and_steps(access_run):
    layer = access_run.layer
    assert pictures.picture(access_run, length=6).axes
    run, inputs = pictures._with_example(access_run, 6, 0, {})
    result = evaluate(access_run, 6)
    assert run.layer.num_steps == result["num_steps"]
    assert access_run.layer is layer
    spare = access_run.task.num_cells - access_run.task.max_length
    assert inputs.shape[1] - 6 == spare


SMALL = {"batch_size": 4, "steps_per_epoch": 1, "epochs": 1}
NTM_ON_TOKENS = small_runs.changed(
    RECIPES["chomsky/stack_manipulation"]["ntm-feedforward"],
    layer={"memory_shape": [9, 4]},
    task_options={"max_length": 3},
    **SMALL,
)
STACK_RNN_ON_BITS = dataclasses.replace(
    small_runs.COPY, layer=RECIPES["chomsky/reverse_string"]["stack-rnn"].layer, **SMALL
)


@pytest.mark.parametrize("recipe", [NTM_ON_TOKENS, STACK_RNN_ON_BITS])
def test_the_task_decides_how_outputs_become_probabilities(recipe, tmp_path):
    """And not the machine: not in pictures of runs, and not in TensorBoard."""
    run = train(recipe, tmp_path / "run", verbose=0)
    x, _, _ = next(iter(run.task.evaluation_set(3, batch_size=1)))
    powers = np.exp(run.model(x).numpy()[0])
    expected = powers / (1 + powers)
    if recipe is NTM_ON_TOKENS:
        expected = powers / powers.sum(axis=-1, keepdims=True)
    figure = pictures.picture(run)
    np.testing.assert_allclose(panel(figure, "Outputs"), expected.T, atol=1e-5)

    events = EventAccumulator(str(run.directory / "tensorboard" / "probe"))
    events.Reload()
    [event] = events.Tensors("machine/picture")
    drawn = tf.io.decode_image(tf.make_ndarray(event.tensor_proto)[2]).numpy()
    x, _, _ = next(iter(run.recipe.validation_set()))
    figure = plots.machine_picture(
        run.layer,
        run.layer.trace(x),
        x.numpy(),
        activation="softmax" if recipe is NTM_ON_TOKENS else "sigmoid",
    )
    difference = drawn.astype(int) - plots.to_array(figure)
    assert np.mean(np.abs(difference)) < 0.05


def test_time_passes_in_frames(copy_run, access_run):
    frames = list(pictures.time_frames(copy_run, length=2))
    assert len(frames) == 5  # two vectors, the delimiter, two answers
    titles = [figure.axes[-1].get_title() for figure in frames]
    assert titles == [f"Memory after step {step}" for step in range(5)]
    assert len(list(pictures.time_frames(access_run))) == 4  # before 3 steps and after


@pytest.mark.slow
def test_training_passes_in_frames(copy_run, access_run, tmp_path):
    before = copy_run.model.get_weights()
    frames = list(pictures.training_frames(copy_run))
    # The beginning, and of 14 epochs every second, each of a batch of 8.
    texts = [figure.texts[0].get_text() for figure in frames]
    assert texts == [f"after {16 * index} examples" for index in range(8)]
    outputs = [panel(figure, "Outputs") for figure in frames]
    assert len({array.tobytes() for array in outputs}) == 8
    np.testing.assert_array_equal(outputs[-1], panel(pictures.picture(copy_run), "Outputs"))
    for a, b in zip(before, copy_run.model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    plots.write_animation(frames, tmp_path / "training.gif")
    with Image.open(tmp_path / "training.gif") as animation:
        assert animation.n_frames == 8
    # A run that stopped between two checkpoints ends with its own weights.
    shutil.copytree(copy_run.directory / "checkpoints", tmp_path / "run" / "checkpoints")
    files = sorted((tmp_path / "run" / "checkpoints").iterdir())
    files[-1].unlink()
    moved = dataclasses.replace(copy_run, directory=tmp_path / "run")
    frames = list(pictures.training_frames(moved))
    assert frames[-1].texts[0].get_text() == "after 112 examples"
    np.testing.assert_array_equal(panel(frames[-1], "Outputs"), outputs[-1])
    files[1].write_bytes(b"nothing")
    with pytest.raises(RunError, match=r"00002.weights.h5 is damaged"):
        list(pictures.training_frames(moved))
    shorter = dataclasses.replace(access_run, directory=tmp_path)
    with pytest.raises(RunError, match="has no checkpoints"):
        next(pictures.training_frames(shorter))


def test_learning_curves_of_runs(copy_run):
    axes = pictures.curves([copy_run, copy_run]).axes[0]
    _, _, median, threshold = axes.lines
    assert median.get_label() == "ntm-feedforward, 2 seeds"
    examples, values = copy_run.curve("val_bits_per_sequence")
    assert examples == [8 * epoch for epoch in range(1, 15)]
    np.testing.assert_allclose(median.get_xdata(), np.divide(examples, 1000))
    np.testing.assert_allclose(median.get_ydata(), values)
    assert values[-1] == pytest.approx(copy_run.result["bits_per_sequence"], rel=1e-4)
    assert threshold.get_ydata() == [0.05, 0.05]


def test_errors_by_length(copy_run, access_run):
    figure = pictures.generalization([copy_run], [1, 2, 5])
    errors, faultless = figure.axes
    assert errors.get_ylabel() == "wrong bits per sequence"
    assert faultless.get_xlabel() == "length in vectors"
    assert [text.get_text() for text in faultless.get_xticklabels()] == ["1", "2", "5"]
    [line] = errors.lines
    wrong = [evaluate(copy_run, n)["wrong_bits_per_sequence"] for n in (1, 2, 5)]
    np.testing.assert_allclose(line.get_ydata(), wrong)
    [shaded] = errors.patches  # lengths 1 and 2 of 1 to 3
    assert (shaded.get_x(), shaded.get_width()) == (-0.5, 2)
    figure = pictures.generalization([access_run], [6])
    assert figure.axes[0].get_ylabel() == "share of wrong answer cells"
    with pytest.raises(RunError, match=r"of one task. These are of nram/access, ntm/copy"):
        pictures.curves([copy_run, access_run])


def test_answers_of_runs(copy_run, access_run):
    asked, _ = pictures.answers(copy_run, [2]).axes
    assert asked.get_title(loc="left").startswith("length 2: ")
    assert asked.get_title(loc="left").endswith(" of 6 bits wrong")
    with pytest.raises(ValueError, match="This is a run of nram/access"):
        pictures.answers(access_run, [6])


def test_a_run_without_a_curve(copy_run, tmp_path):
    with pytest.raises(RunError, match="does not have the curve 'nothing'"):
        copy_run.curve("nothing")
    with pytest.raises(RunError, match="FileNotFoundError"):
        dataclasses.replace(copy_run, directory=tmp_path).curve("loss")


@pytest.mark.slow
def test_the_documented_code_runs(copy_run, tmp_path, monkeypatch):
    text = (Path(__file__).parents[2] / "docs" / "guides" / "pictures.md").read_text()
    code = "\n".join(re.findall(r"```python\n(.*?)```", text, re.DOTALL))
    monkeypatch.chdir(tmp_path)
    shutil.copytree(copy_run.directory, tmp_path / "runs" / "copy")
    exec(compile(code, "docs/guides/pictures.md", "exec"), {})
    written = {path.name for path in tmp_path.iterdir() if path.is_file()}
    assert written == set(re.findall(r'"([a-z_]+\.(?:png|gif))"', code))
    assert len(written) == 8


def test_runs_of_other_settings_are_other_runs(copy_run):
    faster = dataclasses.replace(copy_run.recipe, batch_size=16)
    faster = dataclasses.replace(copy_run, recipe=faster)
    axes = pictures.curves([copy_run, faster, copy_run]).axes[0]
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels == ["ntm-feedforward, 2 seeds", "ntm-feedforward #2, 1 seed"]


def test_any_example_is_drawn_at_once(copy_run):
    x, _, _ = next(iter(copy_run.task.evaluation_set(2, batch_size=1, start=10**9)))
    figure = pictures.picture(copy_run, length=2, example=10**9)
    np.testing.assert_array_equal(panel(figure, "Inputs"), x[0].numpy().T)
