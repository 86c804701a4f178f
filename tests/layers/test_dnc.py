"""The Differentiable Neural Computer against slow loops, and what must always hold."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from dnc_loops import run_dnc, sorted_allocation

from keras_nm.layers import DNC, DNCCell
from keras_nm.layers.dnc import allocation, links
from keras_nm.layers.dnc.content import content_weightings
from keras_nm.layers.gradients import with_gradient

BATCH, STEPS, FEATURES = 2, 20, 4

SETTINGS = {
    "the paper": {},
    "two write heads": {"num_write_heads": 2, "num_read_heads": 3},
    "all improvements": {
        "num_write_heads": 2,
        "num_read_heads": 3,
        "content_mask": True,
        "mask_minimum": 0.2,
        "deallocate_content": True,
        "link_sharpening": True,
    },
    "no links": {
        "activation": "sigmoid",
        "temporal_links": False,
        "initial_memory": "constant",
        "key_strength_activation": "softplus",
        "key_activation": "tanh",
        "write_activation": "tanh",
        "parameter_clip": 1.0,
    },
}


def make(**options):
    options = {"memory_shape": (7, 3), "return_sequences": True, **options}
    controller = keras.layers.LSTMCell(6, dtype=options.get("dtype"))
    return DNC(3, controller=controller, **options)


def excited(layer, rng, scale=2.0):
    """A built layer with weights that make it do more than at initialization."""
    layer.build((None, None, FEATURES))
    layer.set_weights([rng.normal(0, scale, w.shape) for w in layer.get_weights()])
    return layer


def random_sequences(rng, batch=BATCH, steps=STEPS):
    return rng.normal(size=(batch, steps, FEATURES)).astype("float32")


@pytest.mark.parametrize("name", SETTINGS)
def test_twenty_steps_equal_loops(rng, name):
    layer = excited(make(dtype="float64", **SETTINGS[name]), rng)
    sequences = random_sequences(rng)
    trace = layer.trace(sequences)
    outputs = layer(sequences)
    for row in range(BATCH):
        steps = run_dnc(sequences[row], layer)
        assert set(steps[0]) == set(trace)
        for key in steps[0]:
            expected = np.array([step[key] for step in steps])
            np.testing.assert_allclose(trace[key][row], expected, atol=1e-6, err_msg=key)
        expected = [step["output"] for step in steps]
        np.testing.assert_allclose(outputs[row], expected, atol=1e-6)
    assert np.std(trace["write_weightings"]) > 0.03
    assert np.std(trace["usage"]) > 0.1


# Allocation


def random_usages(rng):
    usage = rng.random((8, 9)).astype("float32")
    usage[1] = 0  # empty
    usage[2] = 1  # full
    usage[3, ::2] = usage[3, 0]  # ties
    usage[4, :5] = 0
    usage[5, :8] = 1
    usage[6] = np.round(3 * usage[6]) / 3
    usage[7] = 1 - 0.1 * usage[7]
    return usage


def test_allocation_equals_the_sorted_form(rng):
    usage = random_usages(rng)
    expected = [sorted_allocation(row) for row in usage.astype("float64")]
    np.testing.assert_allclose(allocation.allocation(usage), expected, atol=1e-6)


def test_usages_count_as_different_from_one_in_four_thousand_on(rng):
    usage = np.cumsum(rng.uniform(1 / 4000, 1 / 3000, (8, 9)), axis=1).astype("float32")
    usage = rng.permuted(usage + rng.uniform(0, 0.9, (8, 1)).astype("float32"), axis=1)
    expected = [sorted_allocation(row) for row in usage.astype("float64")]
    np.testing.assert_allclose(allocation.allocation(usage), expected, atol=1e-6)
    # Nearer ones may count as equal. Then the first comes first.
    near = allocation.allocation(np.float32([[1e-4, 0]]))
    np.testing.assert_allclose(near, [[0.9999, 1e-4]], atol=2e-6)


def test_rounding_does_not_decide_between_locations(rng):
    usage = random_usages(rng)
    noise = rng.uniform(-2e-7, 2e-7, usage.shape).astype("float32")
    allocated = allocation.allocation(usage)
    noisy = allocation.allocation(usage + noise)
    np.testing.assert_allclose(noisy, allocated, atol=1e-5)


def test_usages_in_small_steps_still_leave_room(rng):
    usage = 1e-4 * rng.random((20, 9)).astype("float32")
    np.testing.assert_allclose(np.sum(allocation.allocation(usage), axis=1), 1, atol=1e-5)


def test_the_gradient_of_allocation_is_numeric(rng):
    usage = rng.permutation(np.linspace(0.1, 0.9, 9))  # steps of 0.1: the order stays
    upstream = rng.normal(size=9)
    x = tf.constant(usage[None])
    with tf.GradientTape() as tape:
        tape.watch(x)
        loss = tf.reduce_sum(allocation.allocation(x) * upstream)
    gradient = tape.gradient(loss, x)[0]
    for i, unit in enumerate(1e-5 * np.eye(9)):
        above, below = sorted_allocation(usage + unit), sorted_allocation(usage - unit)
        expected = (above - below) @ upstream / 2e-5
        np.testing.assert_allclose(gradient[i], expected, rtol=1e-4, atol=1e-8)


def test_allocation_takes_the_least_used(rng):
    usage = rng.random((20, 9)).astype("float32")
    # Of a location that is unused, everything.
    usage[:10, 4] = 0
    allocated = np.array(allocation.allocation(usage))
    np.testing.assert_array_equal(allocated.argmax(axis=1)[:10], 4)
    np.testing.assert_allclose(allocated.sum(axis=1)[:10], 1, atol=1e-5)
    # Otherwise, as much as there is.
    np.testing.assert_allclose(allocated.sum(axis=1), 1 - usage.prod(axis=1), atol=1e-5)


def by_hand_and_automatic(function, arguments, upstream):
    """Gradients of a function with respect to its arguments, with and without training."""
    results = []
    for training in (True, False):
        tensors = [tf.constant(x) for x in arguments]
        with tf.GradientTape() as tape:
            tape.watch(tensors)
            outputs = keras.tree.flatten(function(*tensors, training=training))
            pairs = zip(outputs, upstream, strict=True)
            loss = sum(tf.reduce_sum(x * y) for x, y in pairs)
        results.append(tape.gradient(loss, tensors))
    return results


def test_gradients_by_hand_of_allocation(rng):
    usage = random_usages(rng).astype("float64")
    upstream = [rng.normal(size=usage.shape)]
    (by_hand,), (automatic,) = by_hand_and_automatic(
        allocation.allocation, [usage], upstream
    )
    np.testing.assert_allclose(by_hand, automatic, atol=1e-9)


def test_gradients_by_hand_of_links(rng):
    B, V, R, N = 2, 2, 3, 5
    arguments = [
        rng.random((B, V, N, N)) * (1 - np.eye(N)),
        *(rng.random(shape) for shape in [(B, V, N), (B, V, N), (B, R, N)]),
    ]
    shapes = [(B, V, N, N), (B, V, R, N), (B, V, R, N)]
    upstream = [rng.normal(size=shape) for shape in shapes]
    by_hand, automatic = by_hand_and_automatic(links.advance, arguments, upstream)
    for one, other in zip(by_hand, automatic, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-9)


@pytest.mark.parametrize("training", [False, True])
def test_only_training_uses_the_gradients_by_hand(rng, monkeypatch, training):
    used_in = set()

    def spy_on(module):
        def spy(*arguments):
            used_in.add(module)
            return with_gradient(*arguments)

        monkeypatch.setattr(module, "with_gradient", spy)

    spy_on(links)
    spy_on(allocation)
    make()(rng.normal(size=(2, 3, FEATURES)), training=training)
    assert used_in == ({links, allocation} if training else set())


def test_heads_allocate_one_after_another():
    usage = np.float32([[0.9, 0, 0.5, 0]])
    gates = np.float32([[[1], [0], [1], [1]]])
    allocated = allocation.allocations(usage, gates)[0]
    # A head whose gate is closed takes nothing from the next one.
    expected = [[0, 1, 0, 0], [0, 0, 0, 1], [0, 0, 0, 1], [0, 0, 0.5, 0]]
    np.testing.assert_allclose(allocated[:3], expected[:3], atol=1e-5)
    np.testing.assert_allclose(allocated[3, 2], 0.5, atol=1e-5)


def test_usage_by_hand():
    none = np.zeros((1, 1, 3), "float32")
    everything = np.ones((1, 3), "float32")
    one = np.float32([[[0, 1, 0]]])
    half = np.float32([[[0.5, 0.5, 0], [0.5, 0, 0]]])
    usage = np.float32([[0.2, 0, 0]])
    used = allocation.update_usage(usage, one, everything)
    np.testing.assert_allclose(used, [[0.2, 1, 0]])
    used = allocation.update_usage(usage, half, everything)
    np.testing.assert_allclose(used, [[0.8, 0.5, 0]], atol=1e-6)
    freed = allocation.retention(np.ones((1, 1, 1), "float32"), one)
    np.testing.assert_allclose(
        allocation.update_usage(everything, none, freed), [[1, 0, 1]]
    )
    freed = allocation.retention(np.float32([[[0.5], [0.25]]]), np.ones((1, 2, 3)))
    np.testing.assert_allclose(freed, [[0.375] * 3])


# Links


def written(*locations, size=4):
    """Links and precedence after one-hot writes."""
    linked, precedence = np.zeros((1, 1, size, size)), np.zeros((1, 1, size))
    for location in locations:
        write = np.eye(size)[None, None, location]
        linked = links.update_links(linked, write, precedence)
        precedence = links.update_precedence(precedence, write)
    return np.array(linked), np.array(precedence)


def test_writes_in_order_are_linked_in_order():
    linked, precedence = written(0, 1, 2)
    expected = np.zeros((4, 4))
    expected[1, 0] = expected[2, 1] = 1
    np.testing.assert_array_equal(linked[0, 0], expected)
    np.testing.assert_array_equal(precedence[0, 0], [0, 0, 1, 0])
    read = np.eye(4)[None, 1:2]
    backward, forward = links.follow_links(linked, read)
    np.testing.assert_array_equal(backward[0, 0, 0], [1, 0, 0, 0])
    np.testing.assert_array_equal(forward[0, 0, 0], [0, 0, 1, 0])


def test_a_new_write_replaces_the_links_of_its_location():
    linked, _ = written(0, 1, 2, 1)
    expected = np.zeros((4, 4))
    expected[1, 2] = 1
    np.testing.assert_array_equal(linked[0, 0], expected)


def test_precedence_stays_without_a_write(rng):
    precedence = rng.dirichlet(np.ones(5), (2, 3))
    same = links.update_precedence(precedence, np.zeros((2, 3, 5)))
    np.testing.assert_array_equal(same, precedence)
    write = rng.dirichlet(np.ones(5), (2, 3))
    full = links.update_precedence(precedence, write)
    np.testing.assert_allclose(full, write, atol=1e-12)


def test_sharpened_weightings_sum_to_one(rng):
    weightings = 0.3 * rng.dirichlet(np.ones(5), (2, 3, 2))
    weightings[0, 0, 0] = 0
    powers = 1 + rng.random((2, 3, 2, 1))
    sharpened = links.sharpen(weightings, powers)
    np.testing.assert_allclose(np.sum(sharpened, axis=-1), 1)
    np.testing.assert_allclose(sharpened[0, 0, 0], 0.2)
    expected = (weightings[1, 1, 1] + 1e-6) ** powers[1, 1, 1]
    np.testing.assert_allclose(sharpened[1, 1, 1], expected / expected.sum())


# Content


def test_a_mask_of_ones_changes_nothing(rng):
    memory, keys = rng.normal(size=(2, 3, 5)), rng.normal(size=(2, 4, 3))
    strengths = 1 + rng.random((2, 4, 1))
    plain = content_weightings(memory, keys, strengths)
    masked = content_weightings(memory, keys, strengths, np.ones((2, 4, 3)))
    np.testing.assert_allclose(masked, plain)


def test_masked_values_are_not_compared(rng):
    memory, keys = rng.normal(size=(1, 3, 5)), rng.normal(size=(1, 1, 3))
    keys[0, 0, :2] = memory[0, :2, 3]
    strengths = np.full((1, 1, 1), 1e4)
    masked = content_weightings(memory, keys, strengths, np.float64([[[1, 1, 0]]]))
    np.testing.assert_allclose(masked[0, 0], np.eye(5)[3], atol=1e-6)


# The whole machine


def test_what_holds_at_every_step(rng):
    layer = excited(make(**SETTINGS["two write heads"]), rng, scale=3.0)
    trace = layer.trace(random_sequences(rng, batch=16))
    trace = {name: np.array(value) for name, value in trace.items()}
    shares = ("read_weightings", "write_weightings", "precedence", "allocation")
    for name in (*shares, "links", "usage"):
        assert trace[name].min() >= -1e-6, name
        assert trace[name].max() <= 1 + 1e-5, name
    for name in shares:
        assert trace[name].sum(axis=-1).max() <= 1 + 1e-5, name
    for axis in (-1, -2):
        assert trace["links"].sum(axis=axis).max() <= 1 + 1e-5
    assert np.all(np.diagonal(trace["links"], axis1=-2, axis2=-1) == 0)
    assert trace["links"].max() > 0.5


def gradients_of(layer, sequences):
    with tf.GradientTape() as tape:
        outputs = layer(sequences, training=True)
        loss = tf.reduce_sum(outputs**2)
    variables = [weight.value for weight in layer.trainable_weights]
    return outputs, tape.gradient(loss, variables)


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("scale", [0.0, 1e3])
def test_extreme_weights_give_numbers(rng, name, scale):
    layer = excited(make(**SETTINGS[name]), rng, scale)
    outputs, gradients = gradients_of(layer, random_sequences(rng, steps=5))
    assert np.all(np.isfinite(outputs))
    for gradient in gradients:
        assert np.all(np.isfinite(gradient))


def test_usage_passes_a_gradient_if_asked(rng):
    layer = excited(make(), rng)
    other = make(usage_gradient=True)
    other.build((None, None, FEATURES))
    other.set_weights(layer.get_weights())
    sequences = random_sequences(rng, steps=5)
    outputs, gradients = gradients_of(layer, sequences)
    same_outputs, other_gradients = gradients_of(other, sequences)
    np.testing.assert_array_equal(outputs, same_outputs)
    differences = [
        np.max(np.abs(x - y)) for x, y in zip(gradients, other_gradients, strict=True)
    ]
    assert max(differences) > 1e-3


def test_another_number_of_locations(rng):
    layer = excited(make(memory_shape=(9, 3)), rng)
    sequences = random_sequences(rng, steps=5)
    larger = layer.with_num_locations(12)
    assert larger.cell.memory_shape == (12, 3)
    for weight, same in zip(layer.weights, larger.weights, strict=True):
        np.testing.assert_array_equal(weight, same)
    small, large = layer.trace(sequences), larger.trace(sequences)
    assert large["links"].shape == (BATCH, 5, 1, 12, 12)
    first = np.array(small["allocation"])[:, 0]
    np.testing.assert_array_equal(first, np.array(large["allocation"])[:, 0, :, :9])
    assert np.max(np.abs(small["output"] - large["output"])) > 1e-3


def test_states_have_names_and_shapes(rng):
    layer = make(num_write_heads=2, num_read_heads=3, return_state=True)
    outputs, *states = layer(random_sequences(rng))
    named = layer.cell.named_states(states)
    assert {name: tuple(state.shape)[1:] for name, state in named.items()} == {
        "output": (3,),
        "controller_0": (6,),
        "controller_1": (6,),
        "reads": (3, 3),
        "read_weightings": (3, 7),
        "write_weightings": (2, 7),
        "usage": (7,),
        "precedence": (2, 7),
        "links": (2, 7, 7),
        "memory": (7, 3),
    }
    np.testing.assert_array_equal(named["output"], outputs[:, -1])
    trace = layer.trace(random_sequences(np.random.default_rng(0)))
    np.testing.assert_allclose(named["memory"], trace["memory"][:, -1], atol=1e-6)


def test_the_interface_is_as_long_as_in_the_paper():
    # R W + 3 W + 5 R + 3
    for num_read, width, length in [(4, 16, 135), (4, 64, 471), (1, 20, 88)]:
        cell = DNCCell(8, (10, width), num_read_heads=num_read)
        assert cell.interface_map.units == length


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"units": 0}, "`units` must be an integer of at least 1"),
        ({"memory_shape": (0, 8)}, r"`memory_shape` must be a pair \(num_locations, width"),
        ({"memory_shape": 8}, r"pair \(num_locations, width\).*memory_shape=8"),
        ({"num_read_heads": 0}, "num_read_heads=0"),
        ({"num_write_heads": 1.5}, "num_write_heads=1.5"),
        ({"mask_minimum": 1}, "`mask_minimum` must be a number in"),
        ({"mask_minimum": "0.1"}, "mask_minimum='0.1'"),
        ({"mask_minimum": False}, "mask_minimum=False"),
        ({"temporal_links": "False"}, "True or False.*temporal_links='False'"),
        ({"link_sharpening": True, "temporal_links": False}, "nothing to sharpen"),
        ({"key_strength_activation": "relu"}, "'oneplus', 'softplus'.*'relu'"),
        ({"initial_memory": "learned"}, "'zeros', 'constant'.*'learned'"),
        ({"parameter_clip": 0}, "`parameter_clip` must be a positive number.*=0"),
        ({"controller": keras.layers.LSTM(3)}, "pass its cell"),
        ({"controller": 3}, "must be a Keras RNN cell"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        DNCCell(**{"units": 3, **arguments})


def test_a_cell_takes_one_step():
    with pytest.raises(ValueError, match=r"DNCCell takes inputs.*use DNC"):
        DNCCell(3).build((None, 5, 4))


def test_states_of_another_size(rng):
    layer = make(return_state=True)
    _, *states = layer(random_sequences(rng))
    with pytest.raises(ValueError, match=r"links \(batch, 81\).*Received shapes"):
        make(memory_shape=(9, 3))(random_sequences(rng), initial_state=states)
