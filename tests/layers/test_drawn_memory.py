"""An initial memory that is drawn anew for each sequence of training."""

import keras
import ntm_loops
import numpy as np
import pytest
import tensorflow as tf

from keras_nm.export import export
from keras_nm.layers import NTM, NTMCell

LOCATIONS, WIDTH, FEATURES = 9, 4, 6
# Two, because each sequence gets its own.
BATCH, STEPS = 2, 3
SEQUENCES = np.random.default_rng(0).normal(size=(BATCH, STEPS, FEATURES)).astype("float32")


def drawing(layer=NTM, locations=LOCATIONS, **options):
    return layer(
        5,
        (locations, WIDTH),
        **{
            "controller": keras.layers.LSTMCell(8),
            "initial_memory": "drawn",
            **options,
        },
    )


def memories(layer, **options):
    """The memories in which a layer ends, which are those in which it began."""
    _, *states = layer(SEQUENCES, **options)
    return np.asarray(layer.cell.named_states(states)["memory"])


def writing_nothing(**options):
    layer = drawing(return_state=True, **options)
    layer.build((BATCH, None, FEATURES))
    kernel, bias = layer.cell.head_map.get_weights()
    kernel[:, -2 * WIDTH :] = 0
    bias[-2 * WIDTH : -WIDTH] = -200  # erases, and adds 0
    layer.cell.head_map.set_weights([kernel, bias])
    layer.cell.parameter_clip = None
    return layer


def test_in_training_every_sequence_gets_its_own_memory():
    layer = writing_nothing(locations=200)
    drawn = np.stack([memories(layer, training=True) for _ in range(2)])
    assert drawn.shape == (2, BATCH, 200, WIDTH)
    assert len(np.unique(drawn)) > 0.99 * drawn.size
    limit = 1 / np.sqrt(WIDTH)
    assert np.abs(drawn).max() <= limit
    # The moments of a uniform distribution.
    assert abs(drawn.mean()) < 0.05
    assert abs(drawn.std() - limit / np.sqrt(3)) < 0.02


def test_otherwise_every_sequence_gets_the_same_memory():
    layer = writing_nothing()
    first = memories(layer)
    memories(layer, training=True)
    np.testing.assert_array_equal(memories(layer), first)
    np.testing.assert_array_equal(first[0], first[1])
    np.testing.assert_array_equal(first, memories(writing_nothing()))
    states = layer.cell.named_states(layer.get_initial_state(BATCH))
    np.testing.assert_array_equal(states["memory"], first)
    assert len(np.unique(first[0])) == LOCATIONS * WIDTH


def test_outputs_equal_loops():
    layer = drawing(return_sequences=True)
    # With any version of NumPy: saved models depend on it.
    memory = np.random.RandomState(0).uniform(-0.5, 0.5, (LOCATIONS, WIDTH))
    outputs = layer(SEQUENCES)
    for sequence, output in zip(SEQUENCES, outputs, strict=True):
        steps = ntm_loops.run_ntm(sequence, layer, memory)
        np.testing.assert_allclose(output, [x["output"] for x in steps], atol=1e-5)
    trace = layer.trace(SEQUENCES)
    np.testing.assert_allclose(trace["output"], outputs, atol=1e-6)


def test_a_bare_cell_draws():
    layer = keras.layers.RNN(drawing(NTMCell))
    first, second = (layer(SEQUENCES, training=True) for _ in range(2))
    assert np.abs(first - second).max() > 1e-3
    np.testing.assert_array_equal(layer(SEQUENCES), layer(SEQUENCES))


def test_states_that_are_given_stay_as_they_are():
    layer = writing_nothing()
    given = [np.full(x.shape, 0.25, "float32") for x in layer.get_initial_state(BATCH)]
    np.testing.assert_allclose(
        memories(layer, initial_state=given, training=True), 0.25, atol=1e-6
    )


def test_a_stateful_layer_begins_and_is_reset_with_the_memory_outside_training():
    layer = writing_nothing(stateful=True)
    expected = memories(writing_nothing())
    np.testing.assert_allclose(memories(layer, training=True), expected, atol=1e-6)
    for state in layer.states:
        state.assign(state + 1)
    layer.reset_state()
    np.testing.assert_allclose(memories(layer), expected, atol=1e-6)


def test_the_number_of_locations_can_change():
    layer = writing_nothing()
    larger = layer.with_num_locations(50)
    assert [w.shape for w in larger.weights] == [w.shape for w in layer.weights]
    memory = np.asarray(larger.get_initial_state(1)[-1])
    assert len(np.unique(memory)) == 50 * WIDTH
    learned = drawing(initial_weighting="learned")
    with pytest.raises(ValueError, match=r"'constant' or 'drawn'.*Received: .*'drawn'"):
        learned.with_num_locations(50)


def model_of_a_drawing_layer():
    layer = drawing(return_sequences=True, name="machine")
    return keras.Sequential([keras.Input((None, FEATURES)), layer])


def test_a_saved_model_answers_the_same(tmp_path):
    model = model_of_a_drawing_layer()
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded(SEQUENCES), model(SEQUENCES), atol=1e-6)


@pytest.mark.slow
def test_an_exported_model_answers_the_same(tmp_path):
    model = model_of_a_drawing_layer()
    export(model, tmp_path / "model")
    served = tf.saved_model.load(tmp_path / "model/1").signatures
    outputs = served["sequence"](inputs=SEQUENCES)["outputs"]
    np.testing.assert_allclose(outputs, model(SEQUENCES), atol=1e-5)
    memory = served["initial_state"](batch_size=tf.constant(BATCH))["machine_memory"]
    np.testing.assert_allclose(memory, model.layers[0].get_initial_state(BATCH)[-1])


def test_training_with_xla_draws_at_every_step():
    layer = writing_nothing()
    step = tf.function(lambda x: layer(x, training=True)[-1], jit_compile=True)
    first, second = step(SEQUENCES), step(SEQUENCES)
    assert np.abs(first - second).max() > 0.1
    assert np.abs(first[0] - first[1]).max() > 0.1


def test_the_seed_decides():
    def drawn():
        keras.utils.set_random_seed(3)
        return memories(writing_nothing(), training=True)

    np.testing.assert_array_equal(drawn(), drawn())
