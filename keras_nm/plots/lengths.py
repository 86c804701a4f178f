"""The chart of how an error grows with the length of the examples."""

import numpy as np
from matplotlib.figure import Figure

from keras_nm.plots.styles import name_with_seeds, scale_to, set_up, styles

# In points, 1/72 inch: about the size of the axes, and the step from a dot to the next.
_WIDTH, _HEIGHT, _STEP = 470, 230, 5.5


def generalization_chart(
    results,
    trained,
    measure="wrong bits per sequence",
    length="length",
    perfect="with none wrong",
):
    """Draws the error of every seed at several lengths of the examples.

    A seed is a dot at each length, on a logarithmic scale, and a thin line joins its dots.
    Dots that would coincide lie side by side. Seeds without an error are dots in a panel
    below, and are counted there.

    Args:
        results: Dict from a label to a dict that maps each length to a list with the
            measure of each seed. The lengths are the same for all labels, and the order of
            the seeds is the same at all lengths.
        trained: Pair of integers, the smallest and the largest training length. The lengths
            between them are shaded.
        measure: String, the name of the measure, with its unit.
        length: String, the unit of the length.
        perfect: String, words for seeds with a measure of 0, or `None` if 0 is a value like
            any other.

    Returns:
        A `matplotlib.figure.Figure`.

    Example:

    >>> import keras_nm
    >>> results = {"NTM": {20: [0, 0, 0], 50: [0, 0, 9]}}
    >>> figure = keras_nm.plots.generalization_chart(results, trained=(1, 20))
    """
    lengths = sorted(next(iter(results.values())))
    # Of a label: a row per seed and a column per length.
    tables = {
        label: np.transpose([by_length[number] for number in lengths]).astype(float)
        for label, by_length in results.items()
    }
    room = 0.84 / len(tables)  # for a label's dots, where a length has a width of 1
    step = _STEP * len(lengths) / _WIDTH
    per_row = max(1, int(room / step))
    figure, errors, faultless = _axes(tables, per_row if perfect else None)
    bottom = scale_to(errors, np.concatenate([*map(np.ravel, tables.values())]), perfect)
    errors.set_ylabel(measure)
    for index, (label, table) in enumerate(tables.items()):
        color, style, marker = styles(tables)[index]
        dots = {"s": (_STEP - 1) ** 2, "color": color, "marker": marker, "lw": 0}
        wrong = table != 0 if perfect else np.full(table.shape, True)
        name = name_with_seeds(label, len(table))
        if perfect:
            name += f": {np.sum(~wrong.any(axis=1))} {perfect} at every length"
        centers = np.arange(len(lengths)) + (index - (len(tables) - 1) / 2) * room
        x = np.tile(centers, (len(table), 1))
        for column, rows in enumerate(wrong.T):
            beside = _side_by_side(errors, table[rows, column], per_row)
            x[rows, column] += step * beside
            if perfect:
                _count(faultless, centers[column], rows, step, per_row, dots)
        for xs, ys in zip(x, np.where(wrong, table, bottom), strict=True):
            if np.any(ys != bottom):
                errors.plot(xs, ys, style, color=color, lw=0.7, alpha=0.5)
        errors.scatter(x[wrong], table[wrong], zorder=3, label=name, **dots)
    _shade(errors, lengths, trained, "lengths of training")
    if perfect:
        _shade(faultless, lengths, trained)
    faultless.set_xticks(range(len(lengths)), map(str, lengths))
    faultless.set_xlim(-0.5, len(lengths) - 0.5)
    faultless.set_xlabel(length)
    figure.legend(loc="outside upper left", frameon=False)
    return figure


def _axes(tables, per_row):
    """Returns a figure, the axes of errors, and those of faultless seeds or the same."""
    if per_row is None:
        figure = Figure(figsize=(7.5, 4.4), layout="constrained")
        errors = faultless = figure.subplots()
    else:
        rows = max(-(-len(table) // per_row) for table in tables.values())
        height = max(rows + 2.5, 5)  # in steps, with a line of text
        points = _STEP * height
        figure = Figure(figsize=(7.5, 4.4 + points / 72), layout="constrained")
        errors, faultless = figure.subplots(
            2, 1, sharex=True, height_ratios=(_HEIGHT, points)
        )
        faultless.set_ylim(-height, 0)
        faultless.set_yticks([-height / 2], ["0"])
        faultless.set_ylabel("seeds", fontsize=8)
        faultless.spines[["top", "right"]].set_visible(False)
        errors.tick_params(axis="x", which="both", bottom=False)
    set_up(errors)
    return figure, errors, faultless


def _side_by_side(axes, values, per_row):
    """Returns how many steps dots move aside, so that those of like height do not meet."""
    scale = axes.yaxis.get_transform().transform
    low, high = scale(np.array(axes.get_ylim()))
    heights = (scale(values) - low) / (high - low) * _HEIGHT / _STEP
    half = per_row // 2
    places = sorted(np.arange(-2 * half, 2 * half + 1) / 2, key=abs)
    steps, placed = np.zeros(len(values)), []
    for dot in np.argsort(heights):
        # If all places are taken, the last one.
        for steps[dot] in places:
            beside = steps[placed] - steps[dot], heights[placed] - heights[dot]
            if np.hypot(*beside).min(initial=1) >= 1:
                break
        placed.append(dot)
    return steps


def _centered(number):
    return np.arange(number) - (number - 1) / 2


def _count(axes, center, wrong, step, per_row, dots):
    """Draws the seeds without an error in rows of dots, with their number below."""
    zeros = int(np.sum(~wrong))
    for row in range(-(-zeros // per_row)):
        places = _centered(min(per_row, zeros - row * per_row))
        axes.scatter(center + step * places, np.full(len(places), -1.0 - row), **dots)
    text = f"{zeros}/{len(wrong)}"
    if 4.3 * len(text) <= per_row * _STEP:  # else it would meet its neighbors
        axes.annotate(
            text,
            (center, 0),
            xycoords=("data", "axes fraction"),
            xytext=(0, 1),
            textcoords="offset points",
            ha="center",
            va="bottom",
            fontsize=7.5,
            color=dots["color"],
        )


def _shade(axes, lengths, trained, label=None):
    inside = [n for n, value in enumerate(lengths) if trained[0] <= value <= trained[1]]
    if inside:
        edges = inside[0] - 0.5, inside[-1] + 0.5
        axes.axvspan(*edges, color="0.93", lw=0, zorder=0, label=label)
