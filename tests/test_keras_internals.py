"""All private names of Keras that the package uses exist, and do what is asked of them."""

import inspect

import keras
import numpy as np

from keras_nm import keras_internals


def test_only_one_module_uses_private_names():
    import structure

    for module, path in structure.modules().items():
        if module != "keras_nm.keras_internals":
            assert "keras.src" not in path.read_text(), module


def test_autocast_scope_reads_variables_in_their_own_dtype():
    layer = keras.layers.Dense(2, dtype="mixed_float16")
    layer.build((None, 3))
    with keras_internals.AutocastScope("float16"):
        assert keras.ops.copy(layer.kernel).dtype == "float16"
        with keras_internals.AutocastScope(None):
            assert keras.ops.copy(layer.kernel).dtype == "float32"


def test_symbolic_scope_is_known():
    seen = []

    class Layer(keras.layers.Layer):
        def call(self, x):
            seen.append(keras_internals.in_symbolic_scope())
            return x

    layer = Layer()
    layer(keras.Input((3,)))
    assert seen
    assert all(seen)
    layer(np.ones((1, 3)))
    assert not seen[-1]


def test_keras_rnn_draws_the_masks_of_dropout_cells():
    assert isinstance(keras.layers.LSTMCell(2), keras_internals.DropoutRNNCell)
    assert hasattr(keras.layers.RNN, "_maybe_config_dropout_masks")


def test_takes_training():
    assert keras_internals.takes_training(keras.layers.Dropout(0.5))
    assert not keras_internals.takes_training(keras.layers.Flatten())


def test_training_is_known_inside_calls():
    seen = []

    class Layer(keras.layers.Layer):
        def call(self, x):
            seen.append(keras_internals.in_training_call())
            return x

    model = keras.Sequential([keras.Input((3,)), Layer()])
    seen.clear()
    for training in (True, False, None):
        model(np.ones((1, 3)), training=training)
    assert seen == [True, False, False]
    assert not keras_internals.in_training_call()


def test_inner_layers_are_found_at_any_depth():
    inner = keras.layers.Dense(2)
    model = keras.Sequential([keras.Sequential([inner])])
    assert inner in list(keras_internals.inner_layers(model))


def test_calls_are_found():
    x = keras.Input((3,))
    layer = keras.layers.Dropout(0.5)
    y = layer(x, training=True)
    made_by, call = keras_internals.call_that_made(y)
    assert made_by is layer
    assert call is keras_internals.first_call(layer, keras.Model(x, y))
    assert call.input_tensors[0] is x
    assert call.arguments.kwargs["training"] is True
    # Of several calls, the one in the model is found.
    other = keras.Input((3,))
    found = keras_internals.first_call(layer, keras.Model(other, layer(other)))
    assert found.input_tensors[0] is other
    model = keras.Sequential([other, layer])
    assert keras_internals.first_call(layer, model).input_tensors[0] is model.inputs[0]


def test_masks_are_found():
    x = keras.layers.Masking()(np.array([[[1.0], [0.0]]], "float32"))
    np.testing.assert_array_equal(keras_internals.mask_of(x), [[True, False]])
    assert keras_internals.mask_of(keras.ops.ones((1,))) is None


def test_scale_loss_for_distribution_leaves_one_replica_as_it_is():
    # `tests/on_two_devices.py` has two.
    assert keras_internals.scale_loss_for_distribution(3.0) == 3.0


def test_gradients_are_prepared_when_they_are_unscaled_and_accumulated():
    class Halved(keras_internals.PreparesGradients, keras.optimizers.SGD):
        def prepare_gradients(self, grads):
            return [g / 2 for g in grads]

    # Keras's own clipping comes last.
    optimizer = Halved(
        1.0, loss_scale_factor=10.0, gradient_accumulation_steps=2, clipvalue=1.0
    )
    variable = keras.Variable([0.0, 0.0])
    for gradient in ([60.0, 10.0], [20.0, 20.0]):
        optimizer.apply([keras.ops.convert_to_tensor(gradient)], [variable])
    np.testing.assert_allclose(variable, [-1.0, -0.75])


def test_variables_are_tracked():
    optimizer = keras.optimizers.SGD()
    variable = keras.Variable([1.0], trainable=False)
    keras_internals.track_variable(optimizer, variable)
    assert any(each is variable for each in optimizer.variables)


def test_adamax_keeps_the_largest_gradients():
    optimizer = keras.optimizers.Adamax(beta_2=0.5)
    variable = keras.Variable([1.0, 1.0])
    for gradient in ([4.0, -3.0], [1.0, 2.0]):
        optimizer.apply([keras.ops.convert_to_tensor(gradient)], [variable])
    largest = keras_internals.largest_gradients(optimizer, variable)
    np.testing.assert_array_equal(largest, [2.0, 2.0])


def test_every_name_is_tested():
    source = inspect.getsource(inspect.getmodule(test_every_name_is_tested))
    assert all(name in source for name in keras_internals.__all__)
