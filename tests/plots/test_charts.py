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


def test_infinite_values_leave_the_others_on_the_axes():
    axes = learning_curves({"ntm": [([1, 2, 3], [5, np.inf, 2])]}).axes[0]
    low, high = axes.get_ylim()
    assert 0 < low < 2
    assert 5 < high < 10


def dots(axes):
    """The centers of all dots, in data and in points."""
    axes.figure.draw_without_rendering()
    centers = np.concatenate([np.asarray(each.get_offsets()) for each in axes.collections])
    return centers, axes.transData.transform(centers) * 72 / axes.figure.dpi


def test_every_seed_has_a_dot_at_every_length():
    results = {"ntm": {50: [9, 1, 0], 20: [0, 0.5, 0]}, "lstm": {20: [3], 50: [400]}}
    figure = generalization_chart(results, trained=(1, 20), length="vectors")
    errors, faultless = figure.axes
    found, _ = dots(errors)
    of_length = np.round(found[:, 0])
    assert sorted(found[of_length == 0, 1]) == [0.5, 3]
    assert sorted(found[of_length == 1, 1]) == [1, 9, 400]
    assert np.round(dots(faultless)[0][:, 0]).tolist() == [0, 0, 1]
    assert errors.get_yscale() == "log"
    # A line joins the dots of a seed, and begins below where it has no error.
    bottom = errors.get_ylim()[0]
    assert bottom < 0.5
    lines = [list(line.get_ydata()) for line in errors.lines]
    assert lines == [[bottom, 9], [0.5, 1], [3, 400]]
    counts = [text.get_text() for text in faultless.texts]
    assert counts == ["2/3", "1/3", "0/1", "0/1"]
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == [
        "ntm, 3 seeds: 1 with none wrong at every length",
        "lstm, 1 seed: 0 with none wrong at every length",
        "lengths of training",
    ]
    for axes in figure.axes:
        [shaded] = axes.patches
        assert (shaded.get_x(), shaded.get_x() + shaded.get_width()) == (-0.5, 0.5)
    assert faultless.get_xlabel() == "vectors"
    assert [text.get_text() for text in faultless.get_xticklabels()] == ["20", "50"]


@pytest.mark.parametrize(("num_recipes", "num_seeds"), [(1, 1), (1, 40), (2, 20), (3, 20)])
def test_dots_are_apart(num_recipes, num_seeds):
    rng = np.random.default_rng(0)
    values = [0.0, 0.05, *(400 ** rng.random(num_seeds))]
    results = {
        f"recipe {index}": {
            length: rng.choice(
                values, num_seeds, p=[0.8, 0.02] + [0.18 / num_seeds] * num_seeds
            )
            for length in (10, 20, 30, 50, 120)
        }
        for index in range(num_recipes)
    }
    figure = generalization_chart(results, trained=(1, 20))
    number = 0
    for axes in figure.axes:
        _, places = dots(axes)
        number += len(places)
        distances = np.linalg.norm(places[:, None] - places, axis=-1)
        np.fill_diagonal(distances, np.inf)
        assert distances.min(initial=np.inf) > 4
        box = axes.get_window_extent()
        low, high = box.get_points() * 72 / figure.dpi
        assert np.all(places > low)
        assert np.all(places < high)
    assert number == num_seeds * num_recipes * 5


def test_a_measure_that_is_never_perfect_has_one_panel():
    results = {"ntm": {200: [0.9, -0.1], 400: [8, 0]}}
    figure = generalization_chart(results, trained=(200, 200), perfect=None)
    [axes] = figure.axes
    assert sorted(dots(axes)[0][:, 1]) == [-0.1, 0, 0.9, 8]
    low, high = axes.get_ylim()
    assert low <= -0.1
    assert high > 8
    assert figure.legends[0].get_texts()[0].get_text() == "ntm, 2 seeds"


def test_answers_have_their_wrong_bits_in_red():
    right = np.array([[1, 0], [0, 1], [1, 0]])
    answer = np.array([[0.9, 0.2], [0.6, 0.4], [0.7, np.nan]])
    asked, answered = answer_strips({3: (right, answer)}).axes
    assert asked.get_title(loc="left") == "length 3: 3 of 6 bits wrong"
    colors = np.array(answered.images[0].get_array())  # (bits, steps, RGBA)
    red = (colors[..., 0] > 0.5) & (colors[..., 2] < 0.1)
    assert red.tolist() == [[False, True, False], [False, True, True]]
    assert asked.images[0].get_array()[0, 0, 0] == 0  # black is 1
    assert asked.images[0].get_array()[1, 0, 0] == 1


@pytest.mark.parametrize("smallest", [0.0, 0.003, 5.0])
def test_curves_fill_their_axes(smallest):
    axes = learning_curves({"x": [([1000, 2000], [10, smallest])]}).axes[0]
    low, high = axes.get_ylim()
    assert low <= smallest
    assert high >= 10
    # The curve has most of the height.
    scale = axes.yaxis.get_transform().transform
    bottom, top = scale(np.array([low, high]))
    drawn = np.ptp(scale(np.array([smallest, 10.0])))
    assert drawn > 0.45 * (top - bottom)


@pytest.mark.parametrize("threshold", [1e-6, 0.05])
@pytest.mark.parametrize("last", [0.0, 0.1])
def test_a_threshold_is_on_the_axes_and_leaves_room_for_curves(threshold, last):
    curves = {"x": [([1000, 2000, 3000], [100, 0.1, last])]}
    axes = learning_curves(curves, solved_below=threshold).axes[0]
    low, high = axes.get_ylim()
    assert low <= threshold
    scale = axes.yaxis.get_transform().transform
    bottom, below, above, top = scale(np.array([low, 0.1, 100, high]))
    assert above - below > 0.6 * (top - bottom)
