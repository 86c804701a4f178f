import numpy as np
import pytest
from in_figures import panels, shown

from keras_nm.plots import ntm_plate


@pytest.fixture
def example(rng):
    steps, locations = 7, 40
    weightings = np.zeros((steps, 1, locations))
    weightings[np.arange(steps), 0, np.arange(10, 17)] = 1
    trace = {
        "add": rng.normal(size=(steps, 1, 4)),
        "reads": rng.normal(size=(steps, 1, 4)),
        "memory": rng.normal(size=(steps, locations, 4)),
        "write_weightings": weightings,
        "read_weightings": weightings[::-1],
    }
    return rng.random((steps, 3)), rng.random((steps, 2)), trace


def test_a_plate_shows_what_it_is_given(example):
    inputs, outputs, trace = example
    found = panels(ntm_plate(inputs, outputs, trace))
    expected = {
        "Inputs": inputs,
        "Outputs": outputs,
        "Adds": trace["add"][:, 0],
        "Reads": trace["reads"][:, 0],
        # Three locations above and below those in focus.
        "Write weightings": trace["write_weightings"][:, 0, 7:20],
        "Read weightings": trace["read_weightings"][:, 0, 7:20],
    }
    assert list(found) == list(expected)
    for title, values in expected.items():
        np.testing.assert_array_equal(shown(found[title]), values.T)
        assert found[title].get_ylabel()
    left, right, bottom, top = found["Write weightings"].images[0].get_extent()
    assert (left, right, bottom, top) == (-0.5, 6.5, 19.5, 6.5)


def test_a_plate_of_a_moment_shows_the_past_and_the_memory(example):
    inputs, outputs, trace = example
    found = panels(ntm_plate(inputs, outputs, trace, time=2))
    inputs_shown = shown(found["Inputs"])
    np.testing.assert_array_equal(inputs_shown[:, :3], inputs.T[:, :3])
    assert np.all(inputs_shown.mask[:, 3:])
    assert not np.any(inputs_shown.mask[:, :3])
    memory = shown(found["Memory after step 2"])
    np.testing.assert_array_equal(memory, trace["memory"][2, 7:20])


def test_every_head_has_its_panels(rng):
    trace = {
        "add": rng.normal(size=(5, 1, 4)),
        "reads": rng.normal(size=(5, 2, 4)),
        "write_weightings": rng.random((5, 1, 9)),
        "read_weightings": rng.random((5, 2, 9)),
    }
    found = panels(ntm_plate(rng.random((5, 3)), rng.random((5, 2)), trace))
    assert list(found) == [
        "Inputs",
        "Outputs",
        "Adds",
        "Reads, head 1",
        "Reads, head 2",
        "Write weightings",
        "Read weightings, head 1",
        "Read weightings, head 2",
    ]
    for title in ("Write weightings", "Read weightings, head 2"):
        assert found[title].get_xlabel() == "time step"
    weightings = shown(found["Read weightings, head 2"])
    np.testing.assert_array_equal(weightings, trace["read_weightings"][:, 1].T)


def test_a_plate_without_any_focus():
    uniform = np.full((3, 1, 50), 1 / 50)
    trace = {
        "add": np.zeros((3, 1, 4)),
        "reads": np.zeros((3, 1, 4)),
        "write_weightings": uniform,
        "read_weightings": uniform,
    }
    found = panels(ntm_plate(np.zeros((3, 2)), np.zeros((3, 2)), trace))
    assert shown(found["Write weightings"]).shape == (50, 3)


def test_a_plate_follows_the_ring_of_locations():
    weightings = np.zeros((4, 1, 50))
    weightings[np.arange(4), 0, [48, 49, 0, 1]] = 1
    trace = {
        "add": np.zeros((4, 1, 4)),
        "reads": np.zeros((4, 1, 4)),
        "write_weightings": weightings,
        "read_weightings": weightings,
    }
    axes = panels(ntm_plate(np.zeros((4, 2)), np.zeros((4, 2)), trace))["Write weightings"]
    expected = np.concatenate([weightings[:, 0, 45:], weightings[:, 0, :5]], axis=1)
    np.testing.assert_array_equal(shown(axes), expected.T)
    label = axes.yaxis.get_major_formatter()
    assert [label(y) for y in (-2, 0, 1)] == ["48", "0", "1"]


def test_inputs_that_are_no_vectors_are_left_out(example):
    _, outputs, trace = example
    found = panels(ntm_plate(None, outputs, trace))
    assert next(iter(found)) == "Outputs"
    assert len(found) == 5


def test_a_single_channel_has_whole_numbers_at_its_axis(example):
    _, _, trace = example
    axes = panels(ntm_plate(np.zeros((7, 1)), np.zeros((7, 2)), trace))["Inputs"]
    bottom, top = sorted(axes.get_ylim())
    ticks = [tick for tick in axes.get_yticks() if bottom <= tick <= top]
    assert ticks == [0]
