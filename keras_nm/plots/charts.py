"""Charts of several training runs: how fast they learned, how well they generalize."""

import numpy as np
from matplotlib.figure import Figure

# Okabe and Ito's colors, which the color-blind can tell apart, and line styles for print.
_STYLES = [
    ("#0072B2", "-"),
    ("#D55E00", "--"),
    ("#009E73", "-."),
    ("#CC79A7", ":"),
    ("#E69F00", "-"),
    ("#56B4E9", "--"),
]


def learning_curves(
    curves, measure="bits per sequence", solved_below=None, examples="sequences"
):
    """Draws learning curves: a line for each seed and a thick line for their median.

    Args:
        curves: Dict from a label to a list with one pair of arrays per seed: the rising
            numbers of examples trained on, and the measure at each of them.
        measure: String, the name of the measure, with its unit.
        solved_below: Optional float, a threshold to draw.
        examples: String, a word for the examples.

    Returns:
        A `matplotlib.figure.Figure`.

    Example:

    >>> import keras_nm
    >>> curves = {"NTM": [([1000, 2000], [80, 5]), ([1000, 2000], [70, 1])]}
    >>> figure = keras_nm.plots.learning_curves(curves, solved_below=0.05)
    """
    figure, axes = _axes()
    for (label, seeds), (color, style) in zip(curves.items(), _styles(curves), strict=True):
        for numbers, values in seeds:
            axes.plot(
                np.divide(numbers, 1000),
                values,
                style,
                color=color,
                lw=0.7,
                alpha=0.5,
                marker="o",  # makes the curve of a single epoch visible
                ms=2,
            )
        shared, medians = _median(seeds)
        axes.plot(
            np.divide(shared, 1000),
            medians,
            style,
            color=color,
            lw=2,
            label=_named(label, seeds),
        )
    if solved_below is not None:
        axes.axhline(solved_below, color="0.4", lw=1, ls=(0, (1, 2)))
        axes.annotate(
            f"solved: below {solved_below:g}",
            (0.995, solved_below),
            xycoords=("axes fraction", "data"),
            xytext=(0, -3),
            textcoords="offset points",
            ha="right",
            va="top",
            fontsize=8,
            color="0.3",
        )
    axes.set_yscale("symlog", linthresh=_smallest(curves))
    axes.set_ylim(bottom=0)
    axes.set_xlim(left=0)
    axes.set_xlabel(f"{examples} trained on, in thousands")
    axes.set_ylabel(measure)
    axes.legend(frameon=False)
    return figure


def generalization_chart(
    results, trained, measure="wrong bits per sequence", length="length"
):
    """Draws how an error grows with the length of the examples.

    The line is the median over the seeds. The band goes from the best seed to the worst.

    Args:
        results: Dict from a label to a dict that maps each length to a list with the
            measure of each seed.
        trained: Pair of integers, the smallest and the largest training length. The range
            between them is shaded.
        measure: String, the name of the measure, with its unit.
        length: String, the unit of the length.

    Returns:
        A `matplotlib.figure.Figure`.

    Example:

    >>> import keras_nm
    >>> results = {"NTM": {20: [0, 0, 0], 50: [0, 0, 9]}}
    >>> figure = keras_nm.plots.generalization_chart(results, trained=(1, 20))
    """
    figure, axes = _axes()
    axes.axvspan(*trained, color="0.9", lw=0, label="lengths of training")
    for (label, by_length), (color, style) in zip(
        results.items(), _styles(results), strict=True
    ):
        lengths = sorted(by_length)
        values = [by_length[length] for length in lengths]
        axes.fill_between(
            lengths,
            [min(seeds) for seeds in values],
            [max(seeds) for seeds in values],
            color=color,
            alpha=0.2,
            lw=0,
        )
        axes.plot(
            lengths,
            [np.median(seeds) for seeds in values],
            style,
            marker="o",
            ms=4,
            color=color,
            label=_named(label, values[0]),
            clip_on=False,
        )
    axes.set_ylim(bottom=0)
    axes.set_xlabel(length)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_ylabel(measure)
    axes.legend(frameon=False)
    return figure


def _axes():
    figure = Figure(figsize=(7.5, 4.2), layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="0.92")
    axes.set_axisbelow(True)
    return figure, axes


def _styles(items):
    # After six, the colors repeat with other line styles.
    number = len(_STYLES)
    return [
        (_STYLES[index % number][0], _STYLES[(index + index // number) % number][1])
        for index in range(len(items))
    ]


def _named(label, seeds):
    return f"{label}, {len(seeds)} seed{'s' if len(seeds) != 1 else ''}"


def _median(seeds):
    """Returns the median of curves. A curve that has ended keeps its last value."""
    shared = sorted({x for examples, _ in seeds for x in examples})
    held = []
    for examples, values in seeds:
        last = np.searchsorted(examples, shared, side="right") - 1
        held.append(
            np.where(last < 0, np.nan, np.asarray(values, float)[np.maximum(last, 0)])
        )
    return shared, np.nanmedian(held, axis=0)


def _smallest(curves):
    """Returns where a log axis turns linear to show zeros: below the smallest value."""
    positive = [v for seeds in curves.values() for _, vs in seeds for v in vs if v > 0]
    return 10.0 ** np.floor(np.log10(min(positive, default=1.0)))
