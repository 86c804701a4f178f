"""Many seeds of recipes, in parallel processes."""

import json
import multiprocessing
import os
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from unittest import mock

from keras_nm.arguments import check_integer
from keras_nm.files import write_text
from keras_nm.training.evaluation import SOLVED_BELOW, evaluate
from keras_nm.training.run import RunError, is_finished, load_run, resume, run_of, train

_MEASURED_FILE = "measured.json"


def sweep(recipes, seeds, directory, lengths, jobs=2):
    """Trains recipes from several seeds, in parallel processes, and measures the runs.

    Each run is a run directory of its own, `directory/NAME-SEED`. A sweep that was
    interrupted goes on when it is called again: runs that are finished are kept, others are
    resumed. A run that fails does not keep others from being trained.

    Args:
        recipes: Dict from names to `Recipe`s.
        seeds: Iterable of non-negative integers.
        directory: Path.
        lengths: Positive integers, the lengths of the examples to measure on.
        jobs: Positive integer, the number of processes at a time. Defaults to `2`.

    Yields:
        For each run, when it is finished, its directory's name and a dict: `"recipe"`, the
        name; `"seed"`; `"examples"` trained on; `"seconds"` that this took, `None` for a
        run that was resumed; `"metric"`, the name of the task's first metric, and its
        `"curve"`, a pair of lists, examples and values on the validation set;
        `"solved_at"`, the number of examples at the first value that counts as solved, or
        `None`; `"results"`, a dict from the lengths to what `evaluate` gives; and
        `"trained"`, the pair of the smallest and the largest length of training. Or the
        name and the exception with which the run failed.

    Raises:
        RunError: Before any training, if there is another run in a run's directory.

    Example:

    >>> from keras_nm.training import RECIPES, sweep
    >>> def train_all():  # in a script, under `if __name__ == "__main__":`
    ...     for name, row in sweep(RECIPES["ntm/copy"], range(20), "runs/copy", [20, 120]):
    ...         print(name, row)
    """
    check_integer("jobs", jobs)
    work, names = {}, {}
    for name, recipe in recipes.items():
        for seed in seeds:
            path = Path(directory) / f"{name}-{seed}"
            _check_directory(path, recipe, seed)
            work[path.name] = (recipe, path, seed, list(lengths))
            names[path.name] = name
    # To each process its share of the cores, or they wait for one another.
    threads = str(max(1, (os.cpu_count() or 1) // jobs))
    environment = dict.fromkeys(("TF_NUM_INTRAOP_THREADS", "OMP_NUM_THREADS"), threads)
    with mock.patch.dict(os.environ, environment):
        executor = ProcessPoolExecutor(
            jobs,
            mp_context=multiprocessing.get_context("spawn"),
            max_tasks_per_child=1,  # what a run leaves behind cannot touch the next
        )
        try:
            futures = {
                executor.submit(train_and_measure, *arguments): name
                for name, arguments in work.items()
            }
            for future in as_completed(futures):
                run = futures[future]
                error = future.exception()
                yield run, error or {"recipe": names[run], **future.result()}
        finally:
            executor.shutdown(cancel_futures=True)


def _check_directory(directory, recipe, seed):
    found, found_seed = run_of(directory) or (recipe, seed)
    if (found.to_json(), found_seed) != (recipe.to_json(), seed):
        raise RunError(
            f"{directory} is a run of another recipe or seed. Choose another directory for "
            "this sweep"
        )


def train_and_measure(recipe, directory, seed, lengths):
    """Trains and measures one run of a sweep, or does what is left to do of it.

    Args:
        recipe: A `Recipe`.
        directory: `pathlib.Path`, the run's.
        seed: Non-negative integer.
        lengths: Positive integers, the lengths of the examples to measure on.

    Returns:
        A dict, as `sweep` gives it, without `"recipe"`.

    Raises:
        RunError: If there is another run in the directory.
    """
    _check_directory(directory, recipe, seed)
    file = directory / _MEASURED_FILE
    measured = json.loads(file.read_text()) if file.exists() else {}
    started = time.monotonic()
    if run_of(directory) is None:
        run = train(recipe, directory, seed, verbose=0)
        measured["seconds"] = time.monotonic() - started
    elif is_finished(directory):
        run = load_run(directory)
    else:
        run = resume(directory, verbose=0)
    results = measured.get("results", {})
    for length in lengths:
        if str(length) not in results:
            results[str(length)] = evaluate(run, length)
    measured["results"] = results
    write_text(file, json.dumps(measured, indent=2))

    metric = run.metrics[0]
    examples, values = run.curve(f"val_{metric}")
    below = SOLVED_BELOW.get(metric, recipe.stop_below)
    solved = (n for n, value in zip(examples, values, strict=True) if value < below)
    return {
        "seed": seed,
        "examples": run.result["examples"],
        "seconds": measured.get("seconds"),
        "metric": metric,
        "curve": (examples, values),
        "solved_at": next(solved, None),
        "results": {length: results[str(length)] for length in lengths},
        "trained": (run.task.min_length, run.task.max_length),
    }
