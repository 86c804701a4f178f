"""The table and the charts of a sweep."""

import importlib.util
import math
from pathlib import Path

import numpy as np

from keras_nm.files import write_text
from keras_nm.runs.evaluation import measures_of
from keras_nm.tasks import TASKS


def write_report(rows, task, directory):
    """Writes `table.md` and, if matplotlib is installed, `curves.png` and `lengths.png`.

    Args:
        rows: Dict from the names of runs to the dicts that `sweep` yields.
        task: Key of `keras_nm.tasks.TASKS`.
        directory: Path.

    Returns:
        The tables, of recipes and of runs, as Markdown.

    Raises:
        ValueError: If there is no run, if one failed, or if runs were not measured at any
            length.
    """
    failed = {name: row for name, row in rows.items() if isinstance(row, Exception)}
    if failed:
        raise ValueError(
            "A report has finished runs only. Leave out those that failed, or train them "
            f"again. Received: {failed}"
        )
    if not all(row["results"] for row in rows.values()) or not rows:
        raise ValueError(
            "A report needs at least one run, and each must be measured at one length at "
            f"least. Received: the runs {list(rows)}"
        )
    directory = Path(directory)
    rows = dict(sorted(rows.items(), key=lambda item: (item[1]["recipe"], item[1]["seed"])))
    spec = TASKS[task]
    results_of_one = next(iter(next(iter(rows.values()))["results"].values()))
    measures = measures_of(spec, results_of_one)
    text = f"{_summary(rows, measures)}\n{_table(rows, spec, measures)}"
    write_text(directory / "table.md", text)
    if importlib.util.find_spec("matplotlib"):
        _write_charts(rows, spec, measures[0], directory)
    return text


def _summary(rows, measures):
    """Makes the table of recipes: solved seeds, the examples they took, and the results."""
    first = next(iter(rows.values()))
    lengths = [f"at {length}" for length in first["results"]]
    columns = ["recipe", "solved", "median solved at", "median time"]
    for measure in measures:
        columns += [f"median {measure.words} {lengths[0]}", *lengths[1:]]
        if measure.perfect:
            columns += [f"seeds {measure.perfect} {lengths[0]}", *lengths[1:]]
    lines = _head(columns)
    for recipe, group in _by_recipe(rows).items():
        # The median over all seeds: one that is never solved is later than any other.
        solved = [row["solved_at"] or math.inf for row in group]
        half = _median(solved)
        times = [row["seconds"] for row in group if row["seconds"] is not None]
        cells = [recipe, f"{sum(map(math.isfinite, solved))} of {len(group)}"]
        cells += [f"{half:.0f}" if math.isfinite(half) else "never"]
        cells += [f"{_median(times):.0f} s" if times else "resumed"]
        for measure in measures:
            values = [
                [measure.of(row["results"][length]) for row in group]
                for length in first["results"]
            ]
            cells += [f"{_median(at_length):.3f}" for at_length in values]
            if measure.perfect:
                cells += [f"{at_length.count(0)} of {len(group)}" for at_length in values]
        lines.append(_line(cells))
    return "\n".join(lines) + "\n"


def _table(rows, spec, measures):
    """Makes the table of all runs."""
    first = next(iter(rows.values()))
    columns = ["recipe", "seed", "solved at", "examples", "time"]
    columns += [f"final {spec.goal.words}"]
    lengths = [f"at {length}" for length in first["results"]]
    for measure in measures:
        columns += [f"{measure.words} {lengths[0]}", *lengths[1:]]
    lines = _head(columns)
    for row in rows.values():
        seconds = "resumed" if row["seconds"] is None else f"{row['seconds']:.0f} s"
        unsolved = "given up" if row["given_up"] else "never"
        cells = [row["recipe"], row["seed"], row["solved_at"] or unsolved, row["examples"]]
        cells += [seconds, f"{row['curve'][1][-1]:.4f}"]
        for measure in measures:
            cells += [f"{measure.of(result):.3f}" for result in row["results"].values()]
        lines.append(_line(cells))
    return "\n".join(lines) + "\n"


def _median(values):
    """Returns the median of numbers, among which one that is not a number is the worst."""
    return float(np.median(np.nan_to_num(values, nan=math.inf, posinf=math.inf)))


def _head(columns):
    return [_line(columns), "|---|" + "--:|" * (len(columns) - 1)]


def _line(cells):
    return f"| {' | '.join(map(str, cells))} |"


def _by_recipe(rows):
    groups = {}
    for row in rows.values():
        groups.setdefault(row["recipe"], []).append(row)
    return groups


def _write_charts(rows, spec, measure, directory):
    from keras_nm import plots

    curves, results = {}, {}
    for recipe, group in _by_recipe(rows).items():
        curves[recipe] = [row["curve"] for row in group]
        results[recipe] = {
            length: [measure.of(row["results"][length]) for row in group]
            for length in group[0]["results"]
        }
    first = next(iter(rows.values()))
    figures = {
        "curves.png": plots.learning_curves(
            curves, spec.goal.words, spec.goal.solved_below, spec.examples
        ),
        "lengths.png": plots.generalization_chart(
            results,
            first["trained"],
            measure.words,
            f"length in {spec.length}",
            measure.perfect,
        ),
    }
    for name, figure in figures.items():
        path = directory / name
        path.unlink(missing_ok=True)  # of the runs that there were before
        plots.write_picture(figure, path)
