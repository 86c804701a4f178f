"""What the pictures of programs that call each other say."""

import keras
import numpy as np
import pytest

from keras_nm.layers import NPI
from keras_nm.plots import call_picture, machine_picture, num_frames
from keras_nm.programs import npi


def lines(axes):
    """The texts of a picture from top to bottom, each line from left to right."""
    by_height = {}
    for text in axes.texts:
        x, y = text.get_position()
        if text.get_text().strip():
            by_height.setdefault(round(y, 3), []).append((x, text))
    return [
        [t for _, t in sorted(row, key=lambda p: p[0])]
        for _, row in sorted(by_height.items())
    ]


def test_a_run_and_its_pad():
    library = npi.Addition()
    events = npi.Interpreter(library).trace(library.environment(5, 15))
    [axes] = call_picture(events).axes
    rows = [" ".join(text.get_text() for text in line) for line in lines(axes)]
    assert rows[:6] == [
        "IN 1 IN 2 CARRY OUT",
        "ADD 5 1 5",
        "ADD1",
        "WRITE OUT 0 5 1 5 0",
        "CARRY",
        "PTR CARRY LEFT 5 1 5 0",
    ]
    assert rows[6] == "WRITE CARRY 1 5 1 5 1 0"
    assert rows[-1] == "NOTHING"
    written = lines(axes)[6]
    bold = [t.get_text() for t in written[1:] if t.get_weight() == "bold"]
    assert bold == ["1"]
    assert [t.get_weight() for t in (lines(axes)[2][0], written[0])] == ["bold", "normal"]


def test_a_pad_becomes_narrower():
    wide, narrow = [("OUT", cells, {"OUT": 0}) for cells in (["0", "1", "2"], ["1", "3"])]
    events = [npi.Event(0, "A", True, [wide]), npi.Event(0, "B", True, [narrow])]
    [axes] = call_picture(events).axes
    _, first, second = lines(axes)
    assert [t.get_text() for t in second] == ["B", "1", "3"]
    # Cells are counted from the right: the last one was 2, the one before was 1.
    assert [t.get_weight() for t in second[1:]] == ["normal", "bold"]
    assert first[-1].get_position()[0] == second[-1].get_position()[0]


def test_pointers_are_colored():
    library = npi.BubbleSort()
    events = npi.Interpreter(library).trace(library.environment([4]))
    [axes] = call_picture(events[:1]).axes
    titles, _ = lines(axes)
    assert [t.get_text() for t in titles] == ["ARRAY", "1", "2", "3"]
    colored = [p for p in axes.patches if p.get_facecolor()[:3] != (1, 1, 1)]
    assert len(colored) == 3 + 3  # of the title, and all pointers on the first cell
    assert len({p.get_facecolor() for p in colored}) == 3


def test_a_picture_needs_events():
    with pytest.raises(ValueError, match=r"the result of Interpreter\.trace"):
        call_picture([])


def test_picture_of_a_layer(rng):
    layer = NPI(3, (2,), keras.layers.LSTMCell(4), return_sequences=True)
    inputs = rng.normal(size=(2, 5, 9)).astype("float32")
    trace = layer.trace(inputs)
    assert num_frames(layer, trace) == 5
    figure = machine_picture(layer, trace, inputs, example=1)
    shown = {
        axes.get_title(): axes.images[0].get_array()
        for axes in figure.axes
        if axes.images and axes.get_title()
    }
    assert list(shown) == ["Inputs", "Outputs", "End", "Program", "Argument 0"]
    np.testing.assert_allclose(shown["Program"], trace["program"][1].numpy().T)
    np.testing.assert_allclose(shown["Argument 0"], trace["argument_0"][1].numpy().T)
    frame = machine_picture(layer, trace, inputs, example=1, time=1)
    program = next(axes for axes in frame.axes if axes.get_title() == "Program")
    assert np.isnan(np.asarray(program.images[0].get_array().filled(np.nan))[:, 2:]).all()
