import numpy as np
import pytest

from keras_nm.plots import answer_strips, generalization_chart, learning_curves


def test_learning_curves_and_their_median():
    seeds = [
        ([1000, 2000, 3000], [8, 4, 2]),
        ([1000, 2000], [6, 0]),
        ([1000, 2000], [1, 5]),
    ]
    axes = learning_curves({"ntm": seeds}, solved_below=0.5).axes[0]
    *lines, median, threshold = axes.lines
    for line, (examples, values) in zip(lines, seeds, strict=True):
        assert line.get_xdata().tolist() == [x / 1000 for x in examples]
        assert list(line.get_ydata()) == values
    assert median.get_label() == "ntm, 3 seeds"
    assert median.get_xdata().tolist() == [1, 2, 3]
    # A curve that has ended goes on with its last value.
    assert median.get_ydata().tolist() == [6, 4, 2]
    assert threshold.get_ydata() == [0.5, 0.5]
    assert axes.get_xlabel() == "sequences trained on, in thousands"
    assert axes.get_ylabel() == "bits per sequence"


def test_generalization_in_a_band():
    results = {"ntm": {50: [9, 1, 2], 20: [0, 0, 0]}, "lstm": {20: [3], 50: [7]}}
    axes = generalization_chart(results, trained=(1, 20), length="vectors").axes[0]
    ntm, lstm = axes.lines
    assert list(ntm.get_xdata()) == [20, 50]
    assert list(ntm.get_ydata()) == [0, 2]
    assert list(lstm.get_ydata()) == [3, 7]
    band = axes.collections[0].get_paths()[0].vertices
    assert {tuple(point) for point in band} == {(20, 0), (50, 1), (50, 9)}
    shaded = axes.patches[0]
    assert (shaded.get_x(), shaded.get_x() + shaded.get_width()) == (1, 20)
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels == ["lengths of training", "ntm, 3 seeds", "lstm, 1 seed"]
    assert axes.get_xlabel() == "vectors"
    assert all(tick == int(tick) for tick in axes.get_xticks())


def test_answers_have_their_wrong_bits_in_red():
    right = np.array([[1, 0], [0, 1], [1, 1]])
    answer = np.array([[0.9, 0.2], [0.6, 0.4], [0.7, 0.8]])
    asked, answered = answer_strips({3: (right, answer)}).axes
    assert asked.get_title(loc="left") == "length 3: 2 of 6 bits wrong"
    colors = np.array(answered.images[0].get_array())  # (bits, steps, RGBA)
    red = (colors[..., 0] > 0.5) & (colors[..., 2] < 0.1)
    assert red.tolist() == [[False, True, False], [False, True, False]]
    assert asked.images[0].get_array()[0, 0, 0] == 0  # black is 1
    assert asked.images[0].get_array()[1, 0, 0] == 1


@pytest.mark.parametrize("smallest", [0.0, 0.003, 5.0])
def test_curves_with_zeros_are_drawn(smallest):
    axes = learning_curves({"x": [([1000, 2000], [10, smallest])]}).axes[0]
    low, high = axes.get_ylim()
    assert low == 0
    assert high >= 10
