"""What a probe writes is read back with TensorBoard's own reader."""

import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from keras_nm import plots
from keras_nm.layers import NRAM, NTM
from keras_nm.programs import PROGRAMS, Program
from keras_nm.tasks import TASKS
from keras_nm.training import BitsPerSequenceLoss, Probe, TapeLoss


def read(log_dir):
    """All that was written: from tags to dicts from epochs to arrays."""
    events = EventAccumulator(str(log_dir / "probe"), size_guidance={"tensors": 0})
    events.Reload()
    return {
        tag: {e.step: tf.make_ndarray(e.tensor_proto) for e in events.Tensors(tag)}
        for tag in events.Tags()["tensors"]
    }


def image(values):
    """The picture of a summary, whose first two strings are its width and height."""
    return tf.io.decode_image(values[2]).numpy()


class WeightsByEpoch(keras.callbacks.Callback):
    """Keeps what the weights are when a probe looks at them."""

    def __init__(self):
        super().__init__()
        self.weights = {}

    def on_epoch_end(self, epoch, logs=None):
        self.weights[epoch] = self.model.get_weights()


def entropy_loop(weightings):
    """In bits, of one weighting after the other."""
    total, count = 0.0, 0
    for weighting in weightings.reshape(-1, weightings.shape[-1]):
        total -= sum(w * np.log2(w) for w in weighting if w > 0)
        count += 1
    return total / count


def test_a_turing_machine_is_looked_at_every_other_epoch_and_at_the_end(tmp_path):
    task = TASKS["ntm/copy"].make(max_length=3)
    inputs = keras.Input((None, task.input_size))
    layer = NTM(8, (9, 4), keras.layers.Dense(6), return_sequences=True, name="memory")
    model = keras.Model(inputs, keras.layers.Dense(task.output_size)(layer(inputs)))
    model.compile("adam", BitsPerSequenceLoss(), jit_compile=False)
    examples = next(iter(task.evaluation_set(3, batch_size=4)))
    kept = WeightsByEpoch()
    model.fit(
        task.dataset(batch_size=4),
        steps_per_epoch=2,
        epochs=5,
        callbacks=[kept, Probe(tmp_path, examples, every=2)],
        shuffle=False,
        verbose=0,
    )
    written = read(tmp_path)
    assert set(written) == {"memory/write_entropy", "memory/read_entropy", "memory/picture"}
    for values in written.values():
        assert list(values) == [1, 3, 4]
    for epoch in (1, 4):
        model.set_weights(kept.weights[epoch])
        trace = layer.trace(examples[0])
        for kind in ("write", "read"):
            expected = entropy_loop(trace[f"{kind}_weightings"].numpy())
            measured = written[f"memory/{kind}_entropy"][epoch]
            np.testing.assert_allclose(measured, expected, rtol=1e-4)
        picture = plots.machine_picture(layer, trace, examples[0], model(examples[0]))
        drawn = image(written["memory/picture"][epoch])
        difference = drawn.astype(int) - plots.to_array(picture)
        assert np.mean(np.abs(difference)) < 0.5


# With the gates that it uses, because each takes its time to be traced.
GATES = ("READ", "ZERO", "WRITE")
ACCESS = Program(2, PROGRAMS["access"].rules(), gates=GATES)


def machine_model():
    tape = keras.Input((None,), dtype="int32")
    # The number of steps that counts is that of the call.
    layer = NRAM(2, num_steps=1, gates=GATES, name="machine")
    ACCESS.into_layer(layer)
    return keras.Model(tape, layer(tape, num_steps=2)), layer


def test_a_random_access_machine_is_looked_at(tmp_path):
    """Weights of a program, so soft that the machine is wrong that is not discrete."""
    task = TASKS["nram/access"].make(max_length=4)
    model, layer = machine_model()
    for weight in layer.weights:
        weight.assign(0.1 * weight)
    model.compile(keras.optimizers.SGD(0.0), TapeLoss(), jit_compile=False)
    x, y, sample_weight = examples = next(iter(task.evaluation_set(4, batch_size=16)))
    model.fit(
        task.dataset(batch_size=4),
        steps_per_epoch=1,
        callbacks=[Probe(tmp_path, examples)],
        shuffle=False,
        verbose=0,
    )
    written = {tag: values[0] for tag, values in read(tmp_path).items()}
    cells = sample_weight.numpy() > 0
    soft = np.mean(model(x).numpy().argmax(axis=-1)[cells] != y.numpy()[cells])
    assert soft > 0
    assert written["machine/wrong_cells_soft"] == pytest.approx(soft)
    assert written["machine/wrong_cells_discrete"] == 0
    assert written["machine/wrong_cells_gap"] == pytest.approx(-soft)
    text = written["machine/program"].item().decode()
    lines = [line.removeprefix("    ") for line in text.splitlines()]
    assert "\n".join(lines) == str(Program.from_layer(layer))
    trace = layer.trace(x, num_steps=2)
    expected = plots.to_array(plots.execution_picture(trace, ACCESS))
    assert image(written["machine/picture"]).shape == expected.shape


def test_a_machine_of_two_models_is_looked_at_in_each(tmp_path):
    layer = NRAM(2, num_steps=1, gates=GATES, name="machine")
    models = []
    for _ in range(2):
        tape = keras.Input((None,), dtype="int32")
        models.append(keras.Model(tape, layer(tape)))
    task = TASKS["nram/access"].make(max_length=4)
    examples = next(iter(task.evaluation_set(4, batch_size=2)))
    for index, model in enumerate(models):
        model.compile(keras.optimizers.SGD(0.0), TapeLoss(), jit_compile=False)
        probe = Probe(tmp_path / str(index), examples)
        options = {"steps_per_epoch": 1, "shuffle": False, "verbose": 0}
        model.fit(task.dataset(2), callbacks=[probe], **options)
        assert "machine/wrong_cells_soft" in read(tmp_path / str(index))


def test_without_pictures_and_without_a_program(tmp_path, monkeypatch):
    tape = keras.Input((None,), dtype="int32")
    controller = keras.layers.LSTMCell(4)
    machine = NRAM(2, 2, controller=controller, gates=GATES, name="machine")
    model = keras.Model(tape, machine(tape))
    model.compile("sgd", TapeLoss(), jit_compile=False)
    task = TASKS["nram/access"].make(max_length=4)
    examples = next(iter(task.evaluation_set(4, batch_size=2)))
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    for name in [name for name in sys.modules if name.startswith("keras_nm.plots")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr("keras_nm.plots", raising=False)
    with pytest.raises(ImportError, match=r"pip install keras_nm\[plot\]"):
        Probe(tmp_path, examples)
    probe = Probe(tmp_path, examples, every=1, pictures=False)
    x, y, sample_weight = examples
    model.fit(x, y, sample_weight=sample_weight, callbacks=[probe], verbose=0)
    assert set(read(tmp_path)) == {
        "machine/wrong_cells_soft",
        "machine/wrong_cells_discrete",
        "machine/wrong_cells_gap",
    }


def fit_and_look(log_dir, model, x, y, **options):
    examples = (x, y, np.ones(len(y)))
    probe = Probe(log_dir, examples, every=1, **options)
    model.compile("sgd", "mse", jit_compile=False)
    model.fit(x, y, callbacks=[probe], verbose=0)
    return read(log_dir)


def test_models_of_any_inputs_and_outputs(tmp_path, rng):
    """Words, two inputs of other shapes, and one answer for a sequence."""
    words, more = keras.Input((5,), dtype="int32"), keras.Input((3,))
    memory = NTM(4, (9, 4), name="memory")(keras.layers.Embedding(7, 3)(words))
    model = keras.Model([words, more], keras.layers.Dense(1)(memory) + more[:, :1])
    x = [rng.integers(0, 7, (2, 5)), rng.random((2, 3))]
    written = fit_and_look(tmp_path / "a", model, x, rng.random((2, 1)))
    assert image(written["memory/picture"][0]).ndim == 3


def test_a_machine_with_a_number_of_steps_for_each_tape(tmp_path, rng):
    tape = keras.Input((6,), dtype="int32")
    num_steps = keras.Input((), dtype="int32")
    outputs = NRAM(2, gates=GATES, name="machine")(tape, num_steps=num_steps)
    model = keras.Model([tape, num_steps], outputs)
    x = [rng.integers(0, 6, (2, 6)), np.array([2, 3])]
    written = fit_and_look(tmp_path, model, x, rng.random((2, 6, 13)), pictures=False)
    assert set(written) == {"machine/program"}


def test_a_machine_behind_another_layer_has_no_gap(tmp_path, rng):
    tape = keras.Input((6,), dtype="int32")
    flipped = keras.ops.flip(tape, axis=1)
    model = keras.Model(tape, NRAM(2, num_steps=2, gates=GATES, name="machine")(flipped))
    x = rng.integers(0, 6, (2, 6))
    written = fit_and_look(tmp_path, model, x, rng.random((2, 6, 13)), pictures=False)
    assert set(written) == {"machine/program"}


def test_a_machine_on_distributions_has_no_gap(tmp_path, rng):
    tape = keras.Input((6, 6))
    model = keras.Model(tape, NRAM(2, num_steps=2, gates=GATES, name="machine")(tape))
    x = np.eye(6)[rng.integers(0, 6, (2, 6))]
    written = fit_and_look(tmp_path, model, x, rng.random((2, 6, 13)))
    assert set(written) == {"machine/program", "machine/picture"}


def test_a_machine_whose_number_of_steps_depends_on_its_tape_has_no_gap(tmp_path, rng):
    tape = keras.Input((6,), dtype="int32")
    machine = NRAM(2, gates=GATES, name="machine")
    model = keras.Model(tape, machine(tape, num_steps=1 + tape[:, 0]))
    x = rng.integers(0, 3, (2, 6))
    written = fit_and_look(tmp_path, model, x, rng.random((2, 6, 13)), pictures=False)
    assert set(written) == {"machine/program"}


@pytest.mark.parametrize(
    "activation",
    ["sigmoid", *(pytest.param(x, marks=pytest.mark.slow) for x in ("softmax", None))],
)
def test_pictures_show_outputs_after_the_activation(tmp_path, rng, monkeypatch, activation):
    shown = []

    def plate(inputs, outputs, *others):
        shown.append(outputs)
        return plots.circuit_picture(PROGRAMS["access"])

    monkeypatch.setattr("keras_nm.plots.plate.ntm_plate", plate)
    inputs = keras.Input((5, 3))
    model = keras.Model(inputs, NTM(2, (9, 4), return_sequences=True)(inputs))
    x = rng.random((2, 5, 3))
    fit_and_look(tmp_path, model, x, rng.random((2, 5, 2)), activation=activation)
    outputs = model(x).numpy()[0]
    powers = np.exp(outputs)
    expected = {
        "sigmoid": powers / (1 + powers),
        "softmax": powers / powers.sum(axis=-1, keepdims=True),
        None: outputs,
    }
    np.testing.assert_allclose(shown[-1], expected[activation], atol=1e-5)


def test_wrong_arguments(tmp_path):
    examples = next(iter(TASKS["ntm/copy"].make(max_length=2).evaluation_set(2)))
    with pytest.raises(ValueError, match=r"a batch \(x, y, sample_weight\) of a task"):
        Probe(tmp_path, examples[0])
    with pytest.raises(ValueError, match="`every` must be an integer of at least 1"):
        Probe(tmp_path, examples, every=0)
    with pytest.raises(ValueError, match="activation function identifier: sofmax"):
        Probe(tmp_path, examples, activation="sofmax")
