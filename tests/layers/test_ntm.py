import warnings

import keras
import ntm_loops
import numpy as np
import pytest
import tensorflow as tf

from keras_nm.layers import NTM, NTMCell

CONTROLLERS = {
    "lstm": lambda: keras.layers.LSTMCell(16),
    "dense": lambda: keras.layers.Dense(16, activation="tanh"),
}


def excite(layer, rng):
    """Gives a built layer weights that make its heads do more than at initialization."""
    layer.set_weights([rng.normal(0, 0.5, w.shape) for w in layer.get_weights()])


def small_ntm(rng=None, features=6, **options):
    arguments = {
        "units": 5,
        "memory_shape": (9, 4),
        "controller": CONTROLLERS["lstm"](),
        "return_sequences": True,
    }
    layer = NTM(**{**arguments, **options})
    layer.build((None, None, features))
    if rng is not None:
        excite(layer, rng)
    return layer


@pytest.mark.parametrize("step_order", ["read_first", "write_first"])
@pytest.mark.parametrize("controller", CONTROLLERS)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {
            "num_read_heads": 3,
            "num_write_heads": 2,
            "shift_range": 2,
            "key_strength_bias": 1.5,
        },
    ],
)
def test_twenty_steps_equal_loops(rng, step_order, controller, options):
    controller = CONTROLLERS[controller]()
    layer = small_ntm(rng, controller=controller, step_order=step_order, **options)
    sequences = rng.normal(size=(2, 20, 6)).astype("float32")
    trace = layer.trace(sequences)
    outputs = layer(sequences)
    for sample, sequence in enumerate(sequences):
        for time, expected in enumerate(ntm_loops.run_ntm(sequence, layer)):
            np.testing.assert_allclose(outputs[sample, time], expected["output"], atol=1e-5)
            for name, value in expected.items():
                np.testing.assert_allclose(
                    trace[name][sample, time], value, atol=1e-5, err_msg=name
                )


def test_content_addressing_ignores_the_last_weighting(rng):
    layer = small_ntm(rng, addressing="content", initial_memory="random")
    sequences = rng.normal(size=(2, 4, 6)).astype("float32")
    trace = layer.trace(sequences)
    assert "gate" not in trace
    for sample in range(2):
        expected = ntm_loops.content_weighting(
            trace["memory"][sample, 2].numpy(),
            trace["key"][sample, 3, 0].numpy(),
            trace["key_strength"][sample, 3, 0, 0].numpy(),
        )
        np.testing.assert_allclose(
            trace["read_weightings"][sample, 3, 0], expected, atol=1e-5
        )


def test_trace_shows_parameters_in_their_ranges(rng):
    trace = small_ntm(rng, num_read_heads=2, num_write_heads=3).trace(
        rng.normal(size=(4, 7, 6)).astype("float32")
    )
    shapes = {name: tuple(value.shape) for name, value in trace.items()}
    assert shapes == {
        "output": (4, 7, 5),
        "reads": (4, 7, 2, 4),
        "read_weightings": (4, 7, 2, 9),
        "write_weightings": (4, 7, 3, 9),
        "memory": (4, 7, 9, 4),
        "key": (4, 7, 5, 4),
        "key_strength": (4, 7, 5, 1),
        "gate": (4, 7, 5, 1),
        "shift": (4, 7, 5, 3),
        "sharpening": (4, 7, 5, 1),
        "erase": (4, 7, 3, 4),
        "add": (4, 7, 3, 4),
    }
    trace = {name: value.numpy() for name, value in trace.items()}
    assert np.all(np.abs(trace["key"]) <= 1)
    assert np.all(trace["key_strength"] > 0)
    assert np.all((trace["gate"] > 0) & (trace["gate"] < 1))
    np.testing.assert_allclose(trace["shift"].sum(-1), 1, atol=1e-6)
    assert np.all(trace["sharpening"] >= 1)
    assert np.all((trace["erase"] > 0) & (trace["erase"] < 1))
    assert np.all(np.abs(trace["add"]) <= 1)
    for name in ("read_weightings", "write_weightings"):
        np.testing.assert_allclose(trace[name].sum(-1), 1, atol=1e-5)
        assert np.all(trace[name] >= 0)


def test_a_layer_that_was_only_traced_has_its_weights(rng):
    layer = NTM(5, (9, 4), keras.layers.Dense(8))
    sequences = rng.normal(size=(2, 6, 6)).astype("float32")
    trace = layer.trace(sequences)
    same = layer.with_num_locations(9)
    np.testing.assert_allclose(same.trace(sequences)["output"], trace["output"], atol=1e-6)


def test_trace_can_be_part_of_a_model(rng):
    layer = small_ntm(rng)
    inputs = keras.Input((None, 6))
    model = keras.Model(inputs, layer.trace(inputs)["write_weightings"])
    sequences = rng.normal(size=(3, 4, 6)).astype("float32")
    assert model(sequences).shape == (3, 4, 1, 9)


def test_a_model_with_a_trace_can_be_saved(rng, tmp_path):
    layer = small_ntm(rng)
    inputs = keras.Input((None, 6))
    model = keras.Model(inputs, layer.trace(inputs)["memory"])
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    sequences = rng.normal(size=(3, 4, 6)).astype("float32")
    np.testing.assert_allclose(loaded(sequences), model(sequences), atol=1e-6)


def test_named_states_have_their_own_shapes(rng):
    layer = small_ntm(rng, num_read_heads=2, return_state=True)
    sequences = rng.normal(size=(3, 5, 6)).astype("float32")
    outputs, *states = layer(sequences)
    named = layer.cell.named_states(states)
    trace = layer.trace(sequences)
    assert list(named) == layer.cell.state_names
    np.testing.assert_allclose(named["output"], outputs[:, -1])
    np.testing.assert_allclose(named["reads"], trace["reads"][:, -1])
    np.testing.assert_allclose(named["memory"], trace["memory"][:, -1])
    np.testing.assert_allclose(
        named["weightings"],
        np.concatenate(
            [trace["read_weightings"][:, -1], trace["write_weightings"][:, -1]], axis=1
        ),
    )


@pytest.mark.parametrize(
    ("initial_memory", "initial_weighting"),
    [
        ("constant", "focused"),
        ("constant", "learned"),
        ("drawn", "uniform"),
        ("random", "focused"),
        ("random", "uniform"),
        ("learned", "uniform"),
        ("learned", "learned"),
    ],
)
@pytest.mark.parametrize("initial_read", ["learned", "zeros"])
def test_initial_states(initial_memory, initial_weighting, initial_read):
    cell = NTMCell(
        5,
        memory_shape=(9, 4),
        initial_memory=initial_memory,
        initial_weighting=initial_weighting,
        initial_read=initial_read,
    )
    cell.build((None, 6))
    named = cell.named_states(cell.get_initial_state(batch_size=2))
    memory, weightings = named["memory"].numpy(), named["weightings"].numpy()
    np.testing.assert_allclose(memory[0], memory[1])
    np.testing.assert_allclose(weightings.sum(-1), 1, atol=1e-6)
    if initial_memory == "constant":
        np.testing.assert_allclose(memory, 1e-6)
    else:
        assert len(np.unique(memory[0])) == 36
    if initial_weighting == "focused":
        np.testing.assert_allclose(weightings[:, :, 0], 1)
    elif initial_weighting == "uniform":
        np.testing.assert_allclose(weightings, 1 / 9, atol=1e-6)
    trainable = {w.name for w in cell.trainable_weights}
    assert ("initial_memory" in trainable) == (initial_memory == "learned")
    assert ("initial_weighting_logits" in trainable) == (initial_weighting == "learned")
    assert ("initial_reads" in trainable) == (initial_read == "learned")


def test_every_trainable_weight_gets_a_gradient(rng):
    layer = small_ntm(
        rng, initial_memory="learned", initial_weighting="learned", num_write_heads=2
    )
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(rng.normal(size=(2, 5, 6)), training=True) ** 2)
    gradients = tape.gradient(loss, [w.value for w in layer.trainable_weights])
    for weight, gradient in zip(layer.trainable_weights, gradients, strict=True):
        assert gradient is not None, weight.path
        assert np.any(gradient.numpy() != 0), weight.path


def test_layers_clip_gradients_inside_a_step(rng):
    sequences = rng.normal(size=(2, 8, 6)).astype("float32")

    def gradients(gradient_clip):
        keras.utils.set_random_seed(0)
        layer = NTM(5, (9, 4), gradient_clip=gradient_clip)
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(layer(sequences, training=True) ** 2)
        return tape.gradient(loss, layer.cell.head_map.kernel.value)

    assert np.max(np.abs(gradients(1e-3))) < 0.1 * np.max(np.abs(gradients(1e6)))


@pytest.mark.parametrize(
    ("options", "values"),
    [
        ({"key_activation": "linear"}, ("key", 1.0)),
        ({"add_activation": "linear"}, ("add", 1.0)),
    ],
)
def test_linear_activations_leave_the_unit_range(rng, options, values):
    name, bound = values
    trace = small_ntm(rng, **options).trace(rng.normal(size=(4, 9, 6)))
    assert np.abs(trace[name].numpy()).max() > bound


def test_parameter_clip_bounds_the_key_strength(rng):
    sequences = rng.normal(size=(4, 9, 6)).astype("float32")
    options = {"key_strength_activation": "exponential", "key_strength_bias": 2.0}
    layer = small_ntm(rng, parameter_clip=0.5, **options)
    strengths = layer.trace(sequences)["key_strength"].numpy()
    np.testing.assert_allclose(strengths.max(), np.exp(2.5), rtol=1e-5)
    np.testing.assert_allclose(strengths.min(), np.exp(1.5), rtol=1e-5)
    layer = small_ntm(rng, key_activation="linear", parameter_clip=None)
    assert np.abs(layer.trace(100 * sequences)["key"].numpy()).max() > 2


@pytest.mark.parametrize("addressing", ["content_and_location", "content"])
def test_an_exponential_key_strength_without_clip_stays_finite(rng, addressing):
    layer = small_ntm(
        rng,
        key_strength_activation="exponential",
        parameter_clip=None,
        addressing=addressing,
        initial_memory="learned",
    )
    cell = layer.cell
    cell.head_map.set_weights([1000 * w for w in cell.head_map.get_weights()])
    sequences = rng.normal(size=(4, 9, 6)).astype("float32")
    with tf.GradientTape() as tape:
        outputs = layer(sequences, training=True)
        loss = tf.reduce_mean(outputs**2)
    gradients = tape.gradient(loss, [w.value for w in layer.trainable_weights])
    assert np.all(np.isfinite(outputs))
    assert all(np.all(np.isfinite(gradient)) for gradient in gradients)
    assert np.max(layer.trace(sequences)["key_strength"]) == 1e9


# Keras warns of a softmax over a single option, and warnings are errors here.
def test_a_machine_may_have_nothing_to_choose(rng):
    layer = small_ntm(rng, memory_shape=(1, 4), shift_range=0)
    trace = layer.trace(rng.normal(size=(2, 3, 6)))
    for name in ("read_weightings", "write_weightings", "shift"):
        np.testing.assert_array_equal(trace[name], np.ones((2, 3, *trace[name].shape[2:])))


def test_initial_states_of_float64():
    options = {"initial_weighting": "uniform", "initial_memory": "drawn"}
    cell = NTMCell(2, memory_shape=(7, 3), dtype="float64", **options)
    cell.build((None, 2))
    states = cell.named_states(cell.get_initial_state(1))
    np.testing.assert_array_equal(states["weightings"], np.full((1, 2, 7), 1 / 7))
    memory = np.asarray(states["memory"])
    assert np.any(memory != memory.astype("float32"))  # more digits than float32 has
    cell = NTMCell(2, memory_shape=(7, 3), dtype="float64")
    cell.build((None, 2))
    states = cell.named_states(cell.get_initial_state(1))
    np.testing.assert_array_equal(states["memory"], np.full((1, 7, 3), 1e-6))


def test_sigmoid_epsilon_squeezes_every_sigmoid(rng):
    layer = small_ntm(rng, sigmoid_epsilon=0.5, activation="sigmoid")
    excite(layer, np.random.default_rng(1))
    trace = layer.trace(10 * rng.normal(size=(8, 9, 6)).astype("float32"))
    for name in ("gate", "erase", "output"):
        values = trace[name].numpy()
        assert values.min() >= 0.25, name
        assert values.max() <= 0.75, name
        assert values.max() - values.min() > 0.4, name


class TestOtherNumberOfLocations:
    def test_same_weights_and_same_outputs_where_the_memory_is_not_full(self, rng):
        # Content addressing spreads over all locations, so it is turned off by a
        # gate that is closed; the focus then never reaches the end of the memory.
        layer = small_ntm(rng, memory_shape=(9, 4))
        head_kernel, head_bias = layer.cell.head_map.get_weights()
        start = 2 * 4 + 2  # after keys and key strengths of two heads
        head_kernel[:, start : start + 2] = 0
        head_bias[start : start + 2] = -20
        # Likewise without shifts backwards, which would wrap around.
        for head in range(2):
            head_bias[start + 2 + 3 * head] = -20
        layer.cell.head_map.set_weights([head_kernel, head_bias])
        sequences = rng.normal(size=(2, 5, 6)).astype("float32")
        large = layer.with_num_locations(50)
        assert large.cell.memory_shape == (50, 4)
        np.testing.assert_allclose(large(sequences), layer(sequences), atol=1e-3)

    def test_frozen_parts_stay_frozen(self, rng):
        layer = small_ntm(rng)
        layer.cell.head_map.trainable = False
        large = layer.with_num_locations(50)
        assert not large.cell.head_map.trainable
        assert len(large.trainable_weights) == len(layer.trainable_weights)
        layer.cell.trainable = False
        assert layer.with_num_locations(50).trainable_weights == []

    def test_in_a_model(self, rng):
        layer = small_ntm(rng)
        inputs = keras.Input((None, 6))
        model = keras.Model(inputs, layer(inputs))
        large = keras.models.clone_model(
            model, clone_function=lambda layer: layer.with_num_locations(50)
        )
        assert large.layers[-1].cell.memory_shape == (50, 4)
        for a, b in zip(model.get_weights(), large.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)

    @pytest.mark.parametrize(
        "options",
        [{"initial_weighting": "learned"}, {"initial_memory": "learned"}],
    )
    def test_weights_tied_to_the_locations_are_an_error(self, options):
        with pytest.raises(ValueError, match="'learned'"):
            small_ntm(**options).with_num_locations(50)


def test_an_initial_memory_of_ones_own(rng):
    layer = small_ntm(rng, return_state=True)
    sequences = rng.normal(size=(2, 3, 6)).astype("float32")
    _, *states = layer(sequences)
    named = layer.cell.named_states(states)
    named["memory"] = np.zeros((2, 9, 4), "float32")
    named["memory"][:, 3] = 7
    (head_bias := layer.cell.head_map.bias).assign(
        # The write head erases and adds nothing.
        np.concatenate([head_bias[:-8], np.full(4, -20), np.zeros(4)])
    )
    kernel = layer.cell.head_map.kernel.numpy()
    kernel[:, -8:] = 0
    layer.cell.head_map.kernel.assign(kernel)
    trace = layer.trace(sequences, initial_state=layer.cell.flat_states(named))
    np.testing.assert_allclose(trace["memory"][:, -1], named["memory"], atol=1e-4)


def test_user_defined_layer_as_controller(rng):
    class Residual(keras.layers.Layer):
        def __init__(self):
            super().__init__()
            self.dense = keras.layers.Dense(10)

        def call(self, inputs):
            return inputs + self.dense(inputs)

    sequences = rng.normal(size=(2, 5, 6)).astype("float32")
    layer = small_ntm(controller=Residual())
    assert layer(sequences).shape == (2, 5, 5)
    assert len(layer.cell.controller.trainable_weights) == 2


def test_ntm_cell_as_controller(rng):
    controller = NTMCell(7, (8, 3), keras.layers.LSTMCell(6))
    layer = small_ntm(controller=controller)
    sequences = rng.normal(size=(2, 5, 6)).astype("float32")
    assert layer(sequences, training=True).shape == (2, 5, 5)


def test_user_defined_cell_as_controller(rng):
    class Accumulator(keras.layers.Layer):
        state_size = 6 + 4

        def call(self, inputs, states):
            total = states[0] + inputs
            return total, [total]

    sequences = rng.normal(size=(2, 5, 6)).astype("float32")
    layer = small_ntm(rng, controller=Accumulator())
    assert layer(sequences).shape == (2, 5, 5)
    config = layer.get_config()
    copy = NTM.from_config(config, custom_objects={"Accumulator": Accumulator})
    copy.build((None, None, 6))
    copy.set_weights(layer.get_weights())
    np.testing.assert_allclose(copy(sequences), layer(sequences))


def test_dropout_of_the_controller_keeps_its_mask_within_a_sequence():
    controller = keras.layers.SimpleRNNCell(6, activation=None, dropout=0.5)
    layer = NTM(6, (9, 4), controller, return_sequences=True)
    ones = np.ones((20, 5, 6), "float32")
    layer(ones)
    inputs_only = np.eye(10, 6)  # nothing of what was read, nor of the step before
    controller.kernel.assign(inputs_only)
    controller.recurrent_kernel.assign(np.zeros((6, 6)))
    layer.cell.output_map.kernel.assign(inputs_only)
    train = tf.function(lambda x: layer(x, training=True), jit_compile=True)
    first, second = np.asarray(train(ones)), np.asarray(train(ones))
    np.testing.assert_allclose(np.unique(first), [0, 2])
    np.testing.assert_array_equal(first, np.repeat(first[:, :1], 5, axis=1))
    assert len(np.unique(first[:, 0], axis=0)) > 10
    assert np.any(first != second)
    np.testing.assert_array_equal(layer(ones), 1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"units": 0}, "units=0"),
        ({"units": 2.5}, "units=2.5"),
        ({"memory_shape": (0, 4)}, r"memory_shape=\(0, 4\)"),
        ({"memory_shape": (9, 4.5)}, r"memory_shape=\(9, 4.5\)"),
        ({"memory_shape": 128}, "memory_shape=128"),
        ({"memory_shape": (128,)}, r"memory_shape=\(128,\)"),
        ({"num_read_heads": 0}, "num_read_heads=0"),
        ({"num_write_heads": -1}, "num_write_heads=-1"),
        ({"shift_range": -1}, "shift_range=-1"),
        ({"shift_range": 5}, "shift_range=5 with 9"),
        ({"addressing": "location"}, "'content'. Received: addressing='location'"),
        ({"step_order": "both"}, "step_order='both'"),
        ({"initial_memory": "zeros"}, "initial_memory='zeros'"),
        ({"initial_weighting": "random"}, "initial_weighting='random'"),
        ({"initial_read": "random"}, "initial_read='random'"),
        ({"initial_weighting": "uniform"}, "stay alike"),
        ({"addressing": "content"}, "stay alike"),
        (
            {
                "addressing": "content",
                "initial_memory": "random",
                "initial_weighting": "learned",
            },
            "does not use the initial weighting",
        ),
        ({"parameter_clip": 0}, "parameter_clip=0"),
        ({"parameter_clip": "20"}, "parameter_clip='20'"),
        ({"key_strength_bias": "4"}, "key_strength_bias='4'"),
        ({"gradient_clip": 0}, "gradient_clip=0"),
        ({"gradient_clip": None}, "gradient_clip=None"),
        ({"sigmoid_epsilon": 1.0}, "sigmoid_epsilon=1.0"),
        ({"sigmoid_epsilon": None}, "sigmoid_epsilon=None"),
        ({"key_activation": "nothing"}, "nothing"),
        ({"controller": "lstm"}, "controller='lstm'"),
        ({"controller": keras.layers.LSTM}, "LSTM"),
        ({"controller": keras.layers.LSTM(8)}, "pass its cell"),
        ({"no_such_option": 1}, "no_such_option"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        NTM(**{"units": 5, "memory_shape": (9, 4), **arguments})


def test_wrong_initial_state(rng):
    layer = small_ntm(rng, return_state=True)
    sequences = np.zeros((2, 3, 6), "float32")
    _, *states = layer(sequences)
    named = layer.cell.named_states(states)
    for wrong in (
        states[:-1],
        [*states[:-1], named["memory"]],
        [*states[:-1], np.zeros((2, 35), "float32")],
    ):
        with pytest.raises(ValueError, match=r"memory \(batch, 36\). Received shapes"):
            layer(sequences, initial_state=wrong)


@pytest.mark.parametrize("bare", [False, True])
def test_weights_without_a_gradient_where_states_come_from_elsewhere(rng, bare):
    def make(**options):
        if bare:
            return keras.layers.RNN(NTMCell(2, memory_shape=(5, 3)), **options)
        return NTM(2, memory_shape=(5, 3), **options)

    x = keras.Input((3, 4))
    _, *states = make(return_state=True)(x)
    model = keras.Model(x, make()(x, initial_state=states))
    model.compile("sgd", "mse")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.train_on_batch(rng.normal(size=(2, 3, 4)), rng.normal(size=(2, 2)))
    messages = [str(warning.message) for warning in caught]
    # The limits say so of bare cells.
    assert any("Gradients do not exist" in message for message in messages) == bare


def test_initial_state_before_build():
    with pytest.raises(ValueError, match="build the layer"):
        NTM(5).get_initial_state(2)


def test_controller_of_the_wrong_rank():
    controller = keras.layers.Reshape((5, 2))
    with pytest.raises(ValueError, match=r"\(batch, controller_units\)"):
        small_ntm(controller=controller)


def test_wrong_rank():
    with pytest.raises(ValueError, match="expected ndim=3, found ndim=2"):
        NTM(5)(np.zeros((2, 6), "float32"))
    with pytest.raises(ValueError, match=r"Received shape: \(2, 6\)"):
        small_ntm().trace(np.zeros((2, 6), "float32"))
    with pytest.raises(ValueError, match=r"\(batch, features\).*\(2, 3, 6\)"):
        NTMCell(5).build((2, 3, 6))
