"""The chart of how several runs learned."""

import numpy as np
from matplotlib.figure import Figure

from keras_nm.plots.styles import name_with_seeds, scale_to, set_up, styles


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
    figure = Figure(figsize=(7.5, 4.2), layout="constrained")
    axes = figure.subplots()
    set_up(axes)
    looks = styles(curves)
    for (label, seeds), (color, style, marker) in zip(curves.items(), looks, strict=True):
        for numbers, values in seeds:
            axes.plot(
                np.divide(numbers, 1000),
                values,
                style,
                color=color,
                lw=0.8,
                alpha=0.6,
                # Shows where a run ends, and the curve of a single epoch.
                marker=marker,
                markevery=[-1],
                ms=3.5,
            )
        shared, medians = _median(seeds)
        axes.plot(
            np.divide(shared, 1000),
            medians,
            style,
            color=color,
            lw=2,
            label=name_with_seeds(label, len(seeds)),
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
            bbox={"color": "white", "alpha": 0.8, "pad": 0.5, "lw": 0},
        )
    # A threshold is above 0, and may be far below any value.
    bottom = [] if solved_below is None else [0]
    scale_to(
        axes,
        np.concatenate([bottom, *(ys for seeds in curves.values() for _, ys in seeds)]),
    )
    axes.set_xlim(left=0)
    axes.set_xlabel(f"{examples} trained on, in thousands")
    axes.set_ylabel(measure)
    axes.legend(frameon=False)
    return figure


def _median(seeds):
    """Returns the median of curves. A curve that has ended keeps its last value.

    A value that is not a number is worse than any number.
    """
    shared = sorted({x for examples, _ in seeds for x in examples})
    held = []
    for examples, values in seeds:
        last = np.searchsorted(examples, shared, side="right") - 1
        values = np.nan_to_num(np.asarray(values, float), nan=np.inf, posinf=np.inf)
        held.append(np.where(last < 0, np.nan, values[np.maximum(last, 0)]))
    return shared, np.nanmedian(held, axis=0)
