"""What charts of several seeds share: styles, names and axes."""

import numpy as np

# Okabe and Ito's colors, which the color-blind can tell apart, with line styles and markers
# for print.
_STYLES = [
    ("#0072B2", "-", "o"),
    ("#D55E00", "--", "s"),
    ("#009E73", "-.", "^"),
    ("#CC79A7", ":", "D"),
    ("#E69F00", "-", "v"),
    ("#56B4E9", "--", "P"),
]


def styles(items):
    """Returns a color, a line style and a marker for each item."""
    # After six, the colors repeat with other line styles and markers.
    number = len(_STYLES)
    others = [(index + index // number) % number for index in range(len(items))]
    return [
        (_STYLES[index % number][0], *_STYLES[other][1:])
        for index, other in enumerate(others)
    ]


def name_with_seeds(label, num_seeds):
    """Returns a label with the number of its seeds."""
    return f"{label}, {num_seeds} seed{'s' if num_seeds != 1 else ''}"


def set_up(axes):
    """Removes half of the frame, and draws a light grid behind the values."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="0.9")
    axes.set_axisbelow(True)


def scale_to(axes, values, logarithmic=False):
    """Makes the y axis logarithmic, and linear around 0 if a value needs that.

    Args:
        axes: `matplotlib.axes.Axes`.
        values: Array of all values.
        logarithmic: Boolean, whether the axis is logarithmic in any case, without the
            values that are not positive.

    Returns:
        The lower end of the axis.
    """
    values = values[np.isfinite(values)]
    positive = values[values > 0]
    low, high = (positive.min(), positive.max()) if positive.size else (1, 1)
    decade = 10.0 ** np.floor(np.log10(low))
    bottom = low / 1.5 if high / low < 30 else decade
    if logarithmic or positive.size == values.size:
        axes.set_yscale("log")
    else:
        axes.set_yscale("symlog", linthresh=decade)
        bottom = np.min(values, initial=0)
    axes.set_ylim(bottom, 1.5 * high)
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter(
        lambda value, _: f"{value:g}" if high / low < 30 and f"{value:g}"[0] in "25" else ""
    )
    return bottom
