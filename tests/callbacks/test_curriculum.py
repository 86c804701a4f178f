import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_nm.layers import NRAM
from keras_nm.tasks import nram, ntm
from keras_nm.tasks.draws import Draws
from keras_nm.training import Curriculum, SaveModel, TapeLoss, WrongCells

TASK = nram.Increment(max_length=8)


def compiled(seed=0):
    keras.utils.set_random_seed(seed)
    tape = keras.Input((None,), dtype="int32")
    model = keras.Model(tape, NRAM(2, num_steps=1, gates=["READ", "INC", "WRITE"])(tape))
    # A few small batches are over before a graph of the model would be there.
    model.compile("adam", TapeLoss(), weighted_metrics=[WrongCells()], run_eagerly=True)
    return model


def at_level(level, task=TASK, count=200_000):
    curriculum = Curriculum(task, "wrong_cells", threshold=0.1)
    curriculum._level.assign(level)
    draws = Draws([tf.constant([1, 2], tf.int64)], tf.constant(0, tf.int64), count)
    lengths = curriculum.draw_lengths(draws)
    assert lengths.shape == (count, 1)
    assert lengths.dtype == tf.int32
    return np.bincount(lengths.numpy()[:, 0], minlength=task.max_length + 1) / count


def expected(level, smallest, largest):
    """The distribution of lengths by its definition, over all e that matter."""
    chance = np.zeros(largest + 1)
    chance[smallest:] += 0.10 / (largest - smallest + 1)
    for e in range(60):
        probability = 0.5 ** (e + 1)
        top = min(level + e, largest)
        chance[smallest : top + 1] += 0.25 * probability / (top - smallest + 1)
        chance[top] += 0.65 * probability
    return chance


@pytest.mark.parametrize("level", [1, 3, 7, 8])
def test_lengths_are_drawn_as_the_paper_says(level):
    np.testing.assert_allclose(at_level(level), expected(level, 1, 8), atol=0.005)


def test_no_length_is_below_the_smallest():
    task = nram.Merge(min_length=3, max_length=6)
    assert Curriculum(task, "loss", 1.0).level == 3
    np.testing.assert_allclose(at_level(4, task), expected(4, 3, 6), atol=0.005)


def test_each_replica_has_its_own_level():
    curriculum = Curriculum(TASK, "wrong_cells", threshold=0.1, num_replicas=3)
    curriculum._level.assign([1, 4, 8])
    draws = Draws(
        [tf.constant([1, k], tf.int64) for k in range(3)], tf.constant(0, tf.int64), 50_000
    )
    lengths = np.split(curriculum.draw_lengths(draws).numpy()[:, 0], 3)
    for level, rows in zip((1, 4, 8), lengths, strict=True):
        share = np.bincount(rows, minlength=9) / 50_000
        np.testing.assert_allclose(share, expected(level, 1, 8), atol=0.01)


def test_levels_of_replicas_rise_by_themselves():
    curriculum = Curriculum(TASK, "error", 0.1, min_batches=4, num_replicas=3)
    curriculum.set_model(compiled())
    levels = []
    for steps, errors in ((4, [0, 1, 0]), (6, [0, 0, 0]), (8, [0, 0, 1])):
        curriculum.model.optimizer.iterations.assign(steps)
        logs = {"error": np.array(errors)}
        curriculum.on_epoch_end(0, logs)
        levels.append(logs["level"].tolist())
    # The first and the third had risen two steps before the second time.
    assert levels == [[2, 1, 2], [2, 2, 2], [3, 2, 2]]


class Errors(keras.callbacks.Callback):
    """Puts errors of our choice into the logs."""

    def __init__(self, errors):
        super().__init__()
        self.errors = errors

    def on_epoch_end(self, epoch, logs=None):
        logs["error"] = self.errors[epoch]


def levels(errors, task=TASK, steps_per_epoch=2, **options):
    curriculum = Curriculum(task, "error", threshold=0.1, **options)
    history = compiled().fit(
        task.dataset(2, draw_lengths=curriculum.draw_lengths),
        steps_per_epoch=steps_per_epoch,
        epochs=len(errors),
        callbacks=[Errors(errors), curriculum],
        verbose=0,
        shuffle=False,
    )
    return history.history["level"]


def test_the_level_rises_when_the_error_is_below_the_threshold():
    assert levels([0.5, 0.09, 0.1, 0.0, 0.2]) == [1, 2, 2, 3, 3]


def test_the_level_never_exceeds_the_largest_length():
    assert levels([0.0] * 4, task=nram.Increment(max_length=3)) == [2, 3, 3, 3]


def test_the_level_stays_for_a_number_of_batches():
    assert levels([0.0] * 7, min_batches=5) == [1, 1, 2, 2, 2, 3, 3]


def test_batches_follow_the_level_at_once():
    """The first batch of an epoch is one of the new level, so that runs can be repeated."""
    seen = []

    class Largest(keras.metrics.Metric):
        def update_state(self, y_true, y_pred, sample_weight=None):
            tf.py_function(lambda y: seen.append(int((y > 0).numpy().sum())), [y_true], [])

        def result(self):
            return 0.0

    task = ntm.Copy(min_length=1, max_length=1000, num_bits=1)
    curriculum = Curriculum(task, "error", threshold=0.1)
    # Lengths that are the level, and vectors that are all 1.
    lengths = {
        "draw_lengths": lambda draws: tf.fill((draws.batch_size, 1), curriculum._level)
    }
    x = keras.Input((None, 2))
    model = keras.Model(x, keras.layers.Dense(1)(x))
    model.compile("sgd", "mse", metrics=[Largest()])
    model.fit(
        task.dataset(1, pattern="highest", **lengths),
        steps_per_epoch=3,
        epochs=4,
        callbacks=[Errors([0.0] * 4), curriculum],
        verbose=0,
        shuffle=False,
    )
    assert seen == [1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4]


def test_the_level_is_in_the_checkpoint(tmp_path):
    path = tmp_path / "model.keras"
    curriculum = Curriculum(TASK, "error", threshold=0.1, min_batches=3)
    compiled().fit(
        TASK.dataset(2, draw_lengths=curriculum.draw_lengths),
        steps_per_epoch=2,
        epochs=5,
        callbacks=[Errors([0.0] * 5), curriculum, SaveModel(path, curriculum)],
        verbose=0,
        shuffle=False,
    )
    assert curriculum.level == 3
    keras.saving.load_model(path)
    again = Curriculum(TASK, "error", threshold=0.1, min_batches=3)
    again.restore(path)
    assert again.level == 3
    assert again._risen_at == curriculum._risen_at == 8

    with pytest.raises(ValueError, match=r"a length from 1 to 2\. Received: level=3"):
        Curriculum(nram.Increment(max_length=2), "error", 0.1).restore(path)
    compiled().save(path)
    with pytest.raises(ValueError, match="was not saved with a curriculum"):
        again.restore(path)


def test_the_level_is_saved_after_it_has_risen(tmp_path):
    curriculum = Curriculum(TASK, "wrong_cells", threshold=0.1)
    with pytest.raises(ValueError, match=r"must end in \.keras"):
        SaveModel(tmp_path / "model.h5")
    save = SaveModel(tmp_path / "model.keras", curriculum)
    with pytest.raises(ValueError, match="SaveModel must follow Curriculum"):
        compiled().fit(
            TASK.dataset(2),
            steps_per_epoch=1,
            callbacks=[save, curriculum],
            verbose=0,
            shuffle=False,
        )


def test_bad_arguments(tmp_path):
    (tmp_path / "file").write_text("something else")
    with pytest.raises(ValueError, match="not a file that SaveModel made"):
        Curriculum(TASK, "loss", 1).restore(tmp_path / "file")
    with pytest.raises(ValueError, match="a task of several lengths"):
        Curriculum(ntm.PrioritySort(), "loss", threshold=1.0)
    for options, message in [
        ({"threshold": 0}, "`threshold` must be a positive number"),
        ({"threshold": 0.1, "min_batches": -1}, "min_batches=-1"),
    ]:
        with pytest.raises(ValueError, match=message):
            Curriculum(TASK, "loss", **options)
    curriculum = Curriculum(TASK, "wrong_bits", threshold=0.1)
    with pytest.raises(ValueError, match=r"of the logs: .*'wrong_cells'.*'wrong_bits'"):
        compiled().fit(
            TASK.dataset(2),
            steps_per_epoch=1,
            callbacks=[curriculum],
            verbose=0,
            shuffle=False,
        )
