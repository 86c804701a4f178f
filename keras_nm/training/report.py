"""The table and the charts of a sweep."""

import importlib.util
from pathlib import Path

from keras_nm.files import write_text
from keras_nm.tasks import TASKS
from keras_nm.training.evaluation import MEASURES, SOLVED_BELOW


def write_report(rows, task, directory):
    """Writes `table.md` and, if there is matplotlib, `curves.png` and `lengths.png`.

    Args:
        rows: Dict from names of runs to what `sweep` gives.
        task: Key of `keras_nm.tasks.TASKS`.
        directory: Path.

    Returns:
        The table, as Markdown.
    """
    directory = Path(directory)
    rows = dict(sorted(rows.items(), key=lambda item: (item[1]["recipe"], item[1]["seed"])))
    text = _table(rows)
    write_text(directory / "table.md", text)
    if importlib.util.find_spec("matplotlib"):
        _write_charts(rows, TASKS[task], directory)
    return text


def _table(rows):
    first = next(iter(rows.values()))
    metric, wrong = first["metric"], _wrong(first)
    columns = ["recipe", "seed", "solved at", "examples", "time", f"final {_words(metric)}"]
    lengths = [f"at {length}" for length in first["results"]]
    columns += [f"{_words(wrong)} {lengths[0]}", *lengths[1:]]
    lines = [f"| {' | '.join(columns)} |", "|---|" + "--:|" * (len(columns) - 1)]
    for row in rows.values():
        seconds = "resumed" if row["seconds"] is None else f"{row['seconds']:.0f} s"
        cells = [row["recipe"], row["seed"], row["solved_at"] or "never", row["examples"]]
        cells += [seconds, f"{row['curve'][1][-1]:.4f}"]
        cells += [f"{result[wrong]:.3f}" for result in row["results"].values()]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines) + "\n"


def _write_charts(rows, spec, directory):
    from keras_nm import plots

    curves, results = {}, {}
    for row in rows.values():
        curves.setdefault(row["recipe"], []).append(row["curve"])
        by_length = results.setdefault(row["recipe"], {})
        for length, result in row["results"].items():
            by_length.setdefault(length, []).append(result[_wrong(row)])
    first = next(iter(rows.values()))
    figures = {
        "curves.png": plots.learning_curves(
            curves, MEASURES[first["metric"]], SOLVED_BELOW.get(first["metric"])
        ),
        "lengths.png": plots.generalization_chart(
            results,
            first["trained"],
            MEASURES[_wrong(first)],
            f"length in {spec.length}",
        ),
    }
    for name, figure in figures.items():
        path = directory / name
        path.unlink(missing_ok=True)  # of the same sweep, before it went on
        plots.write_picture(figure, path)


def _wrong(row):
    """The name of the metric that counts what is wrong."""
    result = next(iter(row["results"].values()))
    return next(name for name in result if name.startswith("wrong"))


def _words(name):
    return name.replace("_", " ")
