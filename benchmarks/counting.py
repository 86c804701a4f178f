"""Trains Stack-RNNs on counting languages, as table 1 of Joulin and Mikolov (2015).

    python benchmarks/counting.py --output runs/counting

Prints, for each language, the share of right words with up to 60 letters to count: of five
machines, with the actions rounded to the most likely one and as they were trained. Runs
that are already there are not trained again.
"""

import argparse
import statistics
from pathlib import Path

from keras_nm.training import RECIPES, evaluate_range, train_or_resume

# The paper's shares in percent: as trained, and rounded.
PUBLISHED = {
    "anbn": (100, 100),
    "anbncn": (100, 100),
    "anbncndn": (100, 100),
    "anb2n": (100, 100),
    "anbmcnm": (43.3, 100),
}
SEEDS = range(5)


def shares(run):
    """Returns the shares of right words in percent: as trained, and rounded."""
    config = run.layer.get_config()
    lengths = range(run.task.smallest_length, 61)
    found = []
    for actions in ("soft", "discrete"):
        layer = type(run.layer).from_config({**config, "actions": actions})
        result = evaluate_range(run.with_layer(layer), lengths)
        found.append(100 * result["exact_answers"])
    return found


def measure(language, output):
    """Prints the row of a language."""
    rows = []
    for seed in SEEDS:
        recipe, directory = RECIPES[f"stack/{language}"]["stack-rnn"], f"{language}-{seed}"
        rows.append(shares(train_or_resume(recipe, output / directory, seed, verbose=0)))
    cells = []
    for column, published in zip(zip(*rows, strict=True), PUBLISHED[language], strict=True):
        each = ", ".join(f"{share:.1f}" for share in sorted(column))
        best, median = max(column), statistics.median(column)
        cells.append(f"{best:.1f} | {median:.1f} | {each} | {published}")
    print(f"| `{language}` |", " | ".join(cells), "|", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("runs/counting"))
    options = parser.parse_args()
    names = "best | median | all | paper"
    print(f"| language | as trained: {names} | rounded: {names} |")
    print("|---" + "|--:|--:|---|--:" * 2 + "|")
    for language in PUBLISHED:
        measure(language, options.output)
