"""What the pictures of Neural GPUs show."""

import numpy as np
from in_figures import panels, shown

from keras_nm.layers import NeuralGPU
from keras_nm.plots import machine_picture, num_frames, state_picture

LENGTH = 5


def test_classes_and_the_liveliest_maps_are_shown_over_positions_and_steps(rng):
    inputs, outputs = rng.random((LENGTH, 3)), rng.random((LENGTH + 1, LENGTH, 2))
    state = np.zeros((LENGTH + 1, LENGTH, 2, 12))
    state[:, 1, 0, 3] = rng.normal(size=LENGTH + 1)
    state[2, :, 1] = rng.normal(size=(LENGTH, 12))
    found = panels(state_picture(inputs, outputs, state))
    # Sixteen panels: two classes, and fourteen maps, of which thirteen move at all.
    assert list(found)[:3] == ["inputs", "class 0", "class 1"]
    assert len(found) == 1 + 16
    assert {"map 3, column 0"} | {f"map {i}, column 1" for i in range(12)} < set(found)
    np.testing.assert_array_equal(shown(found["inputs"]), inputs.T)
    np.testing.assert_array_equal(shown(found["class 1"]), outputs[..., 1])
    np.testing.assert_array_equal(shown(found["map 7, column 1"]), state[:, :, 1, 7])


def test_many_classes_leave_no_room_for_maps(rng):
    outputs = rng.random((LENGTH + 1, LENGTH, 20))
    found = panels(state_picture(None, outputs, rng.random((LENGTH + 1, LENGTH, 1, 30))))
    assert list(found) == [f"class {i}" for i in range(20)]


def test_a_moment_shows_what_was_before(rng):
    outputs = rng.random((LENGTH + 1, LENGTH, 2))
    figure = state_picture(None, outputs, rng.random((LENGTH + 1, LENGTH, 1, 3)), time=2)
    image = shown(panels(figure)["class 0"])
    np.testing.assert_array_equal(image[:3], outputs[:3, :, 0])
    assert np.all(image.mask[3:])
    assert "inputs" not in panels(figure)


def test_a_layer_is_drawn_without_the_padding():
    layer = NeuralGPU(2, num_maps=4, num_symbols=3)
    tokens = np.array([[1, 2, 1, 0, 0], [2, 2, 1, 1, 2]])
    trace = layer.trace(tokens)
    found = panels(machine_picture(layer, trace, tokens, activation="softmax"))
    assert list(found) == ["inputs", "class 0", "class 1", *(f"map {i}" for i in range(4))]
    assert shown(found["class 0"]).shape == shown(found["map 2"]).shape == (4, 3)
    np.testing.assert_allclose(
        shown(found["class 0"]) + shown(found["class 1"]), 1, atol=1e-6
    )
    np.testing.assert_array_equal(shown(found["inputs"]), [[0, 0, 0], [1, 0, 1], [0, 1, 0]])
    second = panels(machine_picture(layer, trace, tokens, example=1))
    np.testing.assert_array_equal(
        shown(second["class 0"]), np.asarray(trace["output"])[1, ..., 0]
    )
    assert num_frames(layer, trace) == 6


def test_tokens_that_the_layer_does_not_know(rng):
    """Those from `num_symbols` on, and those that a layer before makes vectors of."""
    layer = NeuralGPU(2, num_maps=4, num_symbols=3)
    tokens = np.array([[1, 7, 2]])
    found = panels(machine_picture(layer, layer.trace(tokens), tokens))
    np.testing.assert_array_equal(shown(found["inputs"]), [[0, 0, 0], [1, 0, 0], [0, 0, 1]])
    layer = NeuralGPU(2, num_maps=4)
    trace = layer.trace(rng.normal(size=(1, 3, 5)))
    assert "inputs" not in panels(machine_picture(layer, trace, tokens))


def test_the_first_of_several_inputs_is_drawn(rng):
    layer = NeuralGPU(2, num_maps=4)
    vectors, mask = rng.random((1, 3, 2)), np.ones((1, 3), bool)
    found = panels(machine_picture(layer, layer.trace(vectors), [vectors, mask]))
    np.testing.assert_allclose(shown(found["inputs"]), vectors[0].T)
