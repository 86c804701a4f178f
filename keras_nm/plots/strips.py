"""Answers next to the right answers, at several lengths."""

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure

_STRIP_HEIGHT, _WIDTH = 0.5, 9.0


def answer_strips(answers):
    """Draws answers below the right answers, by length (Graves et al. 2014, figure 4).

    For each length, the right answer is above the machine's answer. Red marks the wrong
    bits.

    Args:
        answers: Dict from a length to a pair of arrays `(timesteps, bits)`: the right
            answer, and the probabilities that the machine gives the bits. The arrays
            contain only the steps of the answer.

    Returns:
        A `matplotlib.figure.Figure`.

    Example:

    >>> import keras_nm, numpy as np
    >>> right = np.eye(8)
    >>> figure = keras_nm.plots.answer_strips({8: (right, 0.9 * right)})
    """
    rows = 2 * len(answers)
    left, between, bottom, top = 0.95, 0.34, 0.5, 0.3
    height = top + len(answers) * (2 * _STRIP_HEIGHT + 0.06 + between) - between + bottom
    figure = Figure(figsize=(_WIDTH, height))
    longest = max(len(right) for right, _ in answers.values())
    y = height - top
    for index, (length, (right, probabilities)) in enumerate(answers.items()):
        probabilities = np.asarray(probabilities, float)
        wrong = (probabilities > 0.5) != (np.asarray(right) > 0.5)
        wrong |= np.isnan(probabilities)
        for name, values in (("asked", right), ("answer", probabilities)):
            y -= _STRIP_HEIGHT
            axes = figure.add_axes(
                (
                    left / _WIDTH,
                    y / height,
                    1 - (left + 0.2) / _WIDTH,
                    _STRIP_HEIGHT / height,
                )
            )
            colors = colormaps["gray_r"](np.transpose(np.asarray(values, float)))
            if name == "answer":
                colors[wrong.T] = (0.84, 0.37, 0.0, 1)
            axes.imshow(colors, aspect="auto", interpolation="nearest")
            # All lengths share one time scale.
            axes.set_xlim(-0.5, longest - 0.5)
            axes.set_yticks([])
            axes.tick_params(labelsize=8, labelbottom=False, length=0)
            axes.set_ylabel(name, fontsize=9, rotation=0, ha="right", va="center")
            for side in ("top", "right", "bottom", "left"):
                axes.spines[side].set_visible(False)
            if name == "asked":
                count = int(wrong.sum())
                axes.set_title(
                    f"length {length}: {count} of {wrong.size} bits wrong",
                    fontsize=9,
                    loc="left",
                    pad=3,
                )
            y -= 0.06 if name == "asked" else between
            last = index == rows // 2 - 1 and name == "answer"
        if last:
            axes.tick_params(labelbottom=True, length=3)
            axes.set_xlabel("step of the answer", fontsize=9)
    return figure
