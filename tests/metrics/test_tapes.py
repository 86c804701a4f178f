import keras
import nram_tapes
import numpy as np
import pytest

from keras_nm.layers import NRAM
from keras_nm.training import (
    ExactTapes,
    MeanSteps,
    StepPenalty,
    TapeLoss,
    WrongCells,
)

# Two steps of a machine with three cells, by hand. It stops after the first step with
# probability 1/4. This is its tape after each step, for one example.
FIRST = np.array([[0.5, 0.25, 0.25], [0.0, 1.0, 0.0], [0.2, 0.2, 0.6]])
SECOND = np.array([[0.1, 0.1, 0.8], [0.0, 0.5, 0.5], [0.2, 0.2, 0.6]])
ANSWER = np.array([[2, 1, 0]])
ANSWER_CELLS = np.array([[1.0, 1.0, 0.0]])


def outputs():
    """What an NRAM layer gives for it, in its three parts."""
    tape = 0.25 * FIRST + 0.75 * SECOND
    log_tape = 0.25 * np.log(np.maximum(FIRST, 1e-10))
    log_tape += 0.75 * np.log(np.maximum(SECOND, 1e-10))
    steps = np.full((3, 1), -1.75)
    return np.concatenate([tape, log_tape, steps], axis=-1)[None].astype("float32")


def test_expected_log_by_hand():
    # -(1/4 (log 0.25 + log 1) + 3/4 (log 0.8 + log 0.5))
    expected = -(0.25 * np.log(0.25) + 0.75 * np.log(0.8) + 0.75 * np.log(0.5))
    loss = TapeLoss()(ANSWER, outputs(), sample_weight=ANSWER_CELLS)
    assert float(loss) == pytest.approx(expected, rel=1e-5)


def test_log_expected_by_hand():
    # -(log(1/4 0.25 + 3/4 0.8) + log(1/4 1 + 3/4 0.5))
    expected = -(np.log(0.6625) + np.log(0.625))
    loss = TapeLoss("log_expected")(ANSWER, outputs(), sample_weight=ANSWER_CELLS)
    assert float(loss) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("likelihood", ["expected_log", "log_expected"])
def test_loss_is_summed_over_cells_and_averaged_over_tapes(likelihood):
    loss = TapeLoss(likelihood)
    single = float(loss(ANSWER, outputs(), sample_weight=ANSWER_CELLS))
    both = [np.concatenate([x, x]) for x in (ANSWER, outputs(), ANSWER_CELLS)]
    assert float(loss(both[0], both[1], sample_weight=both[2])) == pytest.approx(single)
    both[2][1] = 0
    assert float(loss(both[0], both[1], sample_weight=both[2])) == pytest.approx(single / 2)


def test_loss_of_the_layer_is_that_of_its_tapes(rng):
    layer = NRAM(2, gates=["READ", "INC", "WRITE"])
    tape = rng.integers(0, 4, (6, 4))
    answer = rng.integers(0, 4, (6, 4))
    trace = {name: x.numpy() for name, x in layer.trace(tape, 2).items()}
    mass = trace["stopping_mass"][:, :, 0]
    chosen = np.take_along_axis(trace["tape"][:, 1:], answer[:, None, :, None], axis=-1)
    chosen = chosen[..., 0]  # (B, T, M)
    log_chosen = np.log(np.maximum(chosen, 1e-10))
    expected = {
        "expected_log": -np.einsum("bt,btm->b", mass, log_chosen).mean(),
        "log_expected": -np.log(np.maximum(np.einsum("bt,btm->bm", mass, chosen), 1e-10))
        .sum(axis=-1)
        .mean(),
    }
    y_pred = layer(tape, num_steps=2)
    for likelihood, value in expected.items():
        loss = TapeLoss(likelihood)(answer, y_pred)
        assert float(loss) == pytest.approx(value, rel=1e-4)


def test_metrics_by_hand():
    # Of the three cells the most probable values are 2, 1 and 2.
    y_true = np.array([[2, 1, 0], [2, 0, 0], [0, 1, 2]])
    y_pred = np.repeat(outputs(), 3, axis=0)
    cells = np.array([[1, 1, 0], [1, 1, 1], [0, 1, 1]])
    assert float(WrongCells()(y_true, y_pred, sample_weight=cells)) == pytest.approx(2 / 7)
    assert float(ExactTapes()(y_true, y_pred, sample_weight=cells)) == pytest.approx(2 / 3)
    assert float(WrongCells()(y_true, y_pred)) == pytest.approx(4 / 9)
    assert float(ExactTapes()(y_true, y_pred)) == 0
    assert float(MeanSteps()(y_true, y_pred)) == 1.75


def test_metrics_by_hand_with_weights_of_whole_tapes():
    y_true = np.array([[2, 1, 0], [2, 1, 2], [2, 1, 2]])
    y_pred = np.repeat(outputs(), 3, axis=0)
    weights = np.array([1, 0, 1])
    assert float(WrongCells()(y_true, y_pred, sample_weight=weights)) == pytest.approx(
        1 / 6
    )
    assert float(ExactTapes()(y_true, y_pred, sample_weight=weights)) == 0.5
    expected = -np.log([0.6625, 0.625, 0.6]).sum()
    loss = TapeLoss("log_expected")(y_true[1:2], y_pred[1:2], sample_weight=[1.0])
    assert float(loss) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("likelihood", ["expected_log", "log_expected"])
def test_an_answer_outside_the_integers_is_impossible(likelihood):
    for answer in (-1, 3):
        loss = TapeLoss(likelihood, epsilon=1e-3)
        value = loss([[answer, 0, 0]], outputs(), sample_weight=np.array([[1, 0, 0]]))
        assert float(value) == pytest.approx(-np.log(1e-3), rel=1e-5)


def test_metrics_add_up_over_batches():
    metrics = [WrongCells(), ExactTapes(), MeanSteps()]
    for answer in ([[2, 1, 2]], [[0, 0, 2]]):
        for metric in metrics:
            metric.update_state(np.array(answer), outputs())
    assert [float(metric.result()) for metric in metrics] == pytest.approx(
        [1 / 3, 0.5, 1.75]
    )


def test_metrics_of_replicas_are_those_of_each():
    y_true = np.array([[2, 1, 0], [2, 0, 0], [0, 1, 2], [2, 1, 2]])
    y_pred = np.repeat(outputs(), 4, axis=0)
    y_pred[2:, :, -1] = -1.5
    cells = np.array([[1, 1, 0], [1, 1, 1], [0, 1, 1], [1, 1, 1]])
    for metric in (WrongCells, ExactTapes, MeanSteps):
        together = metric(num_replicas=2)
        for _ in range(2):
            together.update_state(y_true, y_pred, sample_weight=cells)
        for index, rows in enumerate((slice(0, 2), slice(2, 4))):
            alone = metric()(y_true[rows], y_pred[rows], sample_weight=cells[rows])
            assert float(together.result()[index]) == pytest.approx(float(alone))
        assert len(set(np.asarray(together.result()).tolist())) == 2
        together.reset_state()
        assert np.all(np.asarray(together.result()) == 0)


def test_metrics_count_in_their_dtype():
    cells = np.array([[1, 1, 1], [1, 1, 0], [0, 0, 0]])
    y_true, y_pred = np.array([[2, 1, 0]] * 3), np.repeat(outputs(), 3, axis=0)
    for metric, expected in ((WrongCells, 1 / 5), (ExactTapes, 1 / 2), (MeanSteps, 1.75)):
        metric = metric(dtype="float64")
        # More than float32 tells from one more.
        metric.count.assign(2**24)
        metric.total.assign(expected * 2**24)
        metric.update_state(y_true, y_pred, sample_weight=cells)
        assert metric.count > 2**24
        assert float(metric.result()) == pytest.approx(expected, rel=1e-9)


def test_step_penalty():
    penalty = StepPenalty(0.5)
    again = keras.regularizers.deserialize(keras.regularizers.serialize(penalty))
    assert again.weight == 0.5
    layer = NRAM(2, num_steps=3, gates=["READ", "WRITE"], activity_regularizer=penalty)
    steps = -np.asarray(layer(np.array([[1, 2, 0], [0, 1, 1], [2, 0, 1]])))[:, 0, -1]
    # The batch size is neither counted twice nor left out.
    assert float(layer.losses[0]) == pytest.approx(0.5 * steps.mean())
    with pytest.raises(ValueError, match="`weight` must be a positive number"):
        StepPenalty(0)


def test_config_round_trips():
    loss = TapeLoss("log_expected", epsilon=1e-3)
    copy = keras.losses.deserialize(keras.losses.serialize(loss))
    assert copy.get_config() == loss.get_config()
    for metric in (WrongCells(), ExactTapes(num_replicas=2), MeanSteps("steps")):
        copy = keras.metrics.deserialize(keras.metrics.serialize(metric))
        assert type(copy) is type(metric)
        assert copy.get_config() == metric.get_config()
    with pytest.raises(ValueError, match="`likelihood` must be one of 'expected_log'"):
        TapeLoss("log")
    with pytest.raises(ValueError, match="`epsilon` must be a positive number"):
        TapeLoss(epsilon=0)
    with pytest.raises(ValueError, match="`epsilon` must be at least"):
        TapeLoss(epsilon=1e-50)


def access_tapes(rng, count, num_cells):
    rows = [
        nram_tapes.sample("access", rng, rng.integers(1, num_cells - 1), num_cells)[:3]
        for _ in range(count)
    ]
    return [np.array(column) for column in zip(*rows, strict=True)]


@pytest.mark.slow
def test_access_is_learned_from_random_weights_in_200_updates():
    inputs = keras.Input((None,), dtype="int32")
    layer = NRAM(num_registers=2, num_steps=3)
    model = keras.Model(inputs, layer(inputs))
    optimizer = keras.optimizers.Adam(0.01, global_clipnorm=1.0)
    model.compile(optimizer, TapeLoss(), metrics=[MeanSteps()], jit_compile=True)
    tape, answer, answer_cells = access_tapes(np.random.default_rng(1), 32 * 50, 8)
    model.fit(tape, answer, sample_weight=answer_cells, epochs=4, verbose=0)

    model.compile(loss=TapeLoss(), weighted_metrics=[WrongCells(), ExactTapes()])
    # Larger tapes than it was trained on, without building anything again.
    for num_cells in (8, 30):
        tape, answer, answer_cells = access_tapes(np.random.default_rng(2), 512, num_cells)
        results = model.evaluate(
            tape, answer, sample_weight=answer_cells, verbose=0, return_dict=True
        )
        assert results["wrong_cells"] == 0
        assert results["exact_tapes"] == 1
        integers = layer.run_integers(tape)["tape"].numpy()
        assert np.array_equal(integers[:, 0], answer[:, 0])
