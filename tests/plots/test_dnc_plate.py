"""What the plate of a Differentiable Neural Computer shows."""

import itertools

import numpy as np
import pytest
from in_figures import panels, shown

from keras_nm.layers import DNC
from keras_nm.plots import dnc_plate, machine_picture, num_frames
from keras_nm.plots.dnc import written_in_order

STEPS, LOCATIONS = 7, 40
ORDER = [12, 11, 14, 13, 10, 15, 16]


def arrows(axes):
    """From where to where arrows lead, and how opaque they are."""
    names = [text.get_text() for text in axes.get_xticklabels()]
    return {
        (names[arrow.xyann[0]], names[arrow.xy[0]]): arrow.arrow_patch.get_alpha()
        for arrow in axes.texts
    }


@pytest.fixture
def trace(rng):
    weightings = np.eye(LOCATIONS)[ORDER][:, None]
    links = np.zeros((STEPS, 1, LOCATIONS, LOCATIONS))
    for step in range(1, STEPS):
        links[step] = links[step - 1]
        links[step, 0, ORDER[step], ORDER[step - 1]] = 1
    links[-1, 0, 12, 11] = 0.25
    return {
        "write_vector": rng.normal(size=(STEPS, 1, 4)),
        "reads": rng.normal(size=(STEPS, 2, 4)),
        "write_weightings": weightings,
        "read_weightings": np.zeros((STEPS, 2, LOCATIONS)),
        "allocation": weightings,
        "usage": rng.random((STEPS, LOCATIONS)),
        "links": links,
        "memory": rng.normal(size=(STEPS, LOCATIONS, 4)),
        "write_gate": rng.random((STEPS, 1, 1)),
        "allocation_gate": rng.random((STEPS, 1, 1)),
        "free_gate": rng.random((STEPS, 2, 1)),
        "read_modes": rng.dirichlet(np.ones(3), (STEPS, 2)),
    }


def test_a_plate_shows_what_it_is_given(rng, trace):
    outputs = rng.random((STEPS, 2))
    found = panels(dnc_plate(None, outputs, trace))
    assert list(found) == [
        "Outputs",
        *("Writes", "Reads, head 1", "Reads, head 2"),
        *("Write weightings", "Read weightings, head 1", "Read weightings, head 2"),
        *("Allocation", "Usage", "Gates", "Read modes", "Links after step 6"),
    ]
    # Three locations above and below those in focus.
    np.testing.assert_array_equal(shown(found["Usage"]), trace["usage"][:, 7:20].T)
    gates = found["Gates"]
    names = [gates.yaxis.get_major_formatter()(row, None) for row in range(4)]
    assert names == ["write", "allocate", "free 1", "free 2"]
    np.testing.assert_array_equal(shown(gates)[3], trace["free_gate"][:, 1, 0])
    modes = found["Read modes"]
    names = [modes.yaxis.get_major_formatter()(row, None) for row in range(6)]
    kinds = ("backward", "content", "forward")
    assert names == [f"{head}: {kind}" for head in (1, 2) for kind in kinds]
    np.testing.assert_array_equal(shown(modes)[4], trace["read_modes"][:, 1, 1])


def test_arrows_lead_from_each_location_to_the_next(rng, trace):
    found = panels(dnc_plate(None, rng.random((STEPS, 2)), trace))
    expected = {(f"{a}", f"{b}"): 1.0 for a, b in itertools.pairwise(ORDER)}
    assert arrows(found["Links after step 6"]) == {**expected, ("11", "12"): 0.25}
    moment = panels(dnc_plate(None, rng.random((STEPS, 2)), trace, time=1))
    assert arrows(moment["Links after step 1"]) == {("12", "11"): 1.0}
    memory = shown(moment["Memory after step 1"])
    np.testing.assert_array_equal(memory, trace["memory"][1, 7:20])


def test_the_longest_arrow_stays_inside(rng, trace):
    trace["links"][-1, 0, ORDER[-1], ORDER[0]] = 1
    figure = dnc_plate(None, rng.random((STEPS, 2)), trace)
    figure.draw_without_rendering()
    axes = panels(figure)["Links after step 6"]
    assert len(axes.texts) == STEPS + 1
    for arrow in axes.texts:
        box = arrow.arrow_patch.get_path().get_extents()  # in pixels
        assert axes.bbox.y0 < box.y0 < box.y1 < axes.bbox.y1


def test_a_location_stands_where_it_was_last_written():
    weightings = np.eye(4)[[0, 1, 2, 0]]
    links = np.zeros((4, 4))
    links[2, 1] = links[0, 2] = 1
    assert written_in_order(links, weightings) == [(1, 1), (2, 2), (0, 3)]


@pytest.mark.parametrize("links", [True, False])
def test_pictures_of_layers(rng, links):
    heads = {"num_write_heads": 2, "num_read_heads": 2}
    layer = DNC(2, (8, 3), return_sequences=True, temporal_links=links, **heads)
    inputs = rng.random((2, STEPS, 3)).astype("float32")
    trace = layer.trace(inputs)
    found = panels(machine_picture(layer, trace, inputs, example=1))
    assert ("Links, head 2 after step 6" in found) == links
    assert ("Read modes" in found) == links
    assert num_frames(layer, trace) == STEPS
