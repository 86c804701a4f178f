import numpy as np

from keras_nm.plots import copy_plate


def test_copy_plate_shows_what_it_is_given(rng):
    steps, locations = 7, 40
    focus = np.arange(10, 17)
    weightings = np.zeros((steps, 1, locations))
    weightings[np.arange(steps), 0, focus] = 1
    trace = {
        "add": rng.normal(size=(steps, 1, 4)),
        "reads": rng.normal(size=(steps, 2, 4)),
        "write_weightings": weightings,
        "read_weightings": weightings[::-1],
    }
    inputs, outputs = rng.random((steps, 3)), rng.random((steps, 2))
    figure = copy_plate(inputs, outputs, trace)

    panels = {axes.get_title(): axes for axes in figure.axes if axes.get_title()}
    expected = {
        "Inputs": inputs,
        "Outputs": outputs,
        "Adds": trace["add"][:, 0],
        "Reads": trace["reads"][:, 0],
        # Three locations above and below those in focus.
        "Write weightings": weightings[:, 0, 7:20],
        "Read weightings": weightings[::-1, 0, 7:20],
    }
    assert list(panels) == list(expected)
    for title, values in expected.items():
        (image,) = panels[title].images
        np.testing.assert_array_equal(image.get_array(), values.T)
        assert panels[title].get_ylabel()
    left, right, bottom, top = panels["Write weightings"].images[0].get_extent()
    assert (left, right, bottom, top) == (-0.5, 6.5, 19.5, 6.5)


def test_copy_plate_without_any_focus(rng):
    uniform = np.full((3, 1, 50), 1 / 50)
    trace = {
        "add": np.zeros((3, 1, 4)),
        "reads": np.zeros((3, 1, 4)),
        "write_weightings": uniform,
        "read_weightings": uniform,
    }
    figure = copy_plate(np.zeros((3, 2)), np.zeros((3, 2)), trace)
    (image,) = figure.axes[4].images
    assert image.get_array().shape == (50, 3)


def test_copy_plate_follows_the_ring_of_locations():
    weightings = np.zeros((4, 1, 50))
    weightings[np.arange(4), 0, [48, 49, 0, 1]] = 1
    trace = {
        "add": np.zeros((4, 1, 4)),
        "reads": np.zeros((4, 1, 4)),
        "write_weightings": weightings,
        "read_weightings": weightings,
    }
    figure = copy_plate(np.zeros((4, 2)), np.zeros((4, 2)), trace)
    axes = figure.axes[4]
    (image,) = axes.images
    expected = np.concatenate([weightings[:, 0, 45:], weightings[:, 0, :5]], axis=1)
    np.testing.assert_array_equal(image.get_array(), expected.T)
    label = axes.yaxis.get_major_formatter()
    assert [label(y) for y in (-2, 0, 1)] == ["48", "0", "1"]
