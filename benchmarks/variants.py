"""What the benchmarks share that change one thing of a recipe at a time."""

import sys

from keras_nm.training import read_rows, sweep, write_report


def train(recipes, options, lengths, **how):
    """Trains all seeds of some variants of a recipe, and prints a report.

    Runs that are in `options.output` already are not trained again. If runs fail, it ends
    the program after the report of the others.

    Args:
        recipes: Dict from the name of a variant to its recipe. All are of one task.
        options: Has the number of `seeds` and of `jobs`, and the folder `output`.
        lengths: The lengths to measure at, on the test split.
        **how: Further arguments of `keras_nm.training.sweep`.
    """
    [task] = {recipe.task for recipe in recipes.values()}
    seeds = range(options.seeds)
    num_runs = len(recipes) * len(seeds)
    runs = sweep(recipes, seeds, options.output, lengths, jobs=options.jobs, **how)
    errors = {name: row for name, row in runs if isinstance(row, Exception)}
    for name, error in errors.items():
        print(f"{name}: {type(error).__name__}: {error}", flush=True)
    if len(errors) < num_runs:
        rows = read_rows(options.output, task, lengths)
        print(write_report(rows, task, options.output))
    if errors:
        sys.exit(f"{len(errors)} of {num_runs} runs failed. Run it again to continue them")
