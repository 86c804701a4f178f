"""Trains many seeds of recipes, in parallel processes."""

import contextlib
import json
import multiprocessing
import os
import signal
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from pathlib import Path

import tensorflow as tf

from keras_nm.arguments import check_integer, check_integers
from keras_nm.files import write_text
from keras_nm.runs.directory import RunDirectory
from keras_nm.runs.evaluation import evaluate_runs
from keras_nm.runs.population import check_population, train_population
from keras_nm.runs.recipe import labels_of
from keras_nm.runs.run import Run, train_or_resume

_MEASURED_FILE = "measured.json"


def sweep(recipes, seeds, directory, lengths, jobs=2, replicas=1, executor=None):
    """Trains recipes from several seeds, in parallel processes, and measures the runs.

    Each run has its own run directory, `directory/NAME-SEED`. To continue an interrupted
    sweep, call it again: it keeps finished runs and resumes others, but runs that were
    trained together begin again. If a run fails, the others are still trained.

    Args:
        recipes: Dict from names to `Recipe` objects.
        seeds: Iterable of non-negative integers.
        directory: Path.
        lengths: Positive integers, the lengths of the examples to measure on.
        jobs: Positive integer, the number of processes at a time. Defaults to `2`.
        replicas: Positive integer, the number of seeds that a process trains at once, see
            `train_population`. Defaults to `1`.
        executor: A `concurrent.futures.Executor` that does the work instead of `jobs`
            processes, such as one for a cluster. It stays open.

    Yields:
        For each run, when it is finished, its directory's name and a dict: `"recipe"`, the
        name; `"seed"`; `"examples"`, the number trained on; `"seconds"`, the time that
        this took, for all runs that were trained together, or `None` for a resumed run;
        `"metric"`, the name of the task's first metric; its `"curve"`, a pair of lists,
        examples and values on the validation set; `"solved_at"`, the number of examples at
        the first value that counts as solved, or `None`; `"given_up"`, whether the recipe's
        rule to give up ended the run; `"results"`, a dict from the
        lengths to the results of `evaluate`; and `"trained"`, a pair of the smallest and
        the largest length in training. If a run fails, its name and the exception.

    Raises:
        RunError: Before any training, if a run's directory holds another run.
        ValueError: Before any training, if a recipe's seeds cannot be trained together, or
            if its task has no examples of one of the lengths.

    Example:

    >>> from keras_nm.training import RECIPES, sweep
    >>> def train_all():  # in a script, under `if __name__ == "__main__":`
    ...     for name, row in sweep(RECIPES["ntm/copy"], range(20), "runs/copy", [20, 120]):
    ...         print(name, row)
    """
    check_integer("jobs", jobs)
    check_integer("replicas", replicas)
    seeds = check_integers("seeds", seeds, minimum=0, maximum=2**32 - 1)
    lengths = check_integers("lengths", lengths)
    work = []
    for name, recipe in recipes.items():
        for length in lengths:
            recipe.made_task.with_room_for(length, length)
        paths = {seed: Path(directory) / f"{name}-{seed}" for seed in seeds}
        for seed, path in paths.items():
            RunDirectory(path).check_holds(recipe, seed)
        if replicas > 1:
            check_population(recipe)
        items = list(paths.items())
        for start in range(0, len(items), replicas):
            work.append((name, recipe, dict(items[start : start + replicas])))
    with contextlib.ExitStack() as stack:
        call = [train_and_measure]
        if executor is None:
            executor = stack.enter_context(ThreadPoolExecutor(jobs))
            # Each process gets its share of the cores. Otherwise they wait for one another.
            call = [_in_a_process, max(1, _num_cores() // jobs), *call]
        futures = {
            executor.submit(*call, recipe, paths, lengths): (name, paths)
            for name, recipe, paths in work
        }
        try:
            for future in as_completed(futures):
                name, paths = futures[future]
                error = future.exception()
                for seed, path in paths.items():
                    row = error or {"recipe": name, **future.result()[seed]}
                    yield path.name, row
        finally:
            for future in futures:
                future.cancel()


def _in_a_process(num_cores, function, *arguments):
    """Runs a function in a process of its own, so that no run affects another.

    A pool would lose all runs with a process that is killed, as for want of memory.
    """
    process = ProcessPoolExecutor(
        1,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_begin_process,
        initargs=(num_cores,),
    )
    with process:
        return process.submit(function, *arguments).result()


def _begin_process(num_cores):
    # Ctrl-C reaches all processes and ends these at once. Otherwise they would compile to
    # the end, and then train what was already sent to them.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    tf.config.threading.set_intra_op_parallelism_threads(num_cores)


def _num_cores():
    if hasattr(os, "sched_getaffinity"):  # those that this process may use
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def train_and_measure(recipe, directories, lengths):
    """Trains and measures runs of a sweep, or completes them.

    Args:
        recipe: A `Recipe`.
        directories: Dict from seeds, non-negative integers, to `pathlib.Path`, of their
            runs. Several seeds are trained at once, see `train_population`.
        lengths: Positive integers, the lengths of the examples to measure on.

    Returns:
        A dict from the seeds to dicts, as `sweep` yields them, without `"recipe"`.

    Raises:
        RunError: If a directory holds another run.
    """
    for seed, directory in directories.items():
        RunDirectory(directory).check_holds(recipe, seed)
    new = {
        seed: path for seed, path in directories.items() if not RunDirectory(path).is_begun
    }
    seconds = train_population(recipe, new, verbose=0) if len(new) > 1 else {}
    runs = {}
    for seed, directory in directories.items():
        started = time.monotonic()
        runs[seed] = train_or_resume(recipe, directory, seed, verbose=0)
        if seed in new:
            seconds.setdefault(seed, time.monotonic() - started)
    measured = {seed: _read_measured(path) for seed, path in directories.items()}
    for seed in seconds:
        measured[seed]["seconds"] = seconds[seed]
        _write_measured(directories[seed], measured[seed])
    for length in map(str, lengths):
        left = [seed for seed in runs if length not in measured[seed]["results"]]
        if left:
            results = evaluate_runs([runs[seed] for seed in left], int(length))
            for seed, result in zip(left, results, strict=True):
                measured[seed]["results"][length] = result
                _write_measured(directories[seed], measured[seed])
    return {seed: _row(runs[seed], measured[seed], lengths) for seed in runs}


def read_rows(directory, task, lengths):
    """Reads what sweeps have measured, of all finished runs in a directory.

    So a report has the runs of earlier sweeps too: those by other recipes or of more seeds.
    Recipes that differ, but have directories of one name, are numbered: `ntm`, `ntm #2`.

    Args:
        directory: Path, as for `sweep`.
        task: Key of `keras_nm.tasks.TASKS`.
        lengths: Positive integers. Runs that were not measured at all of them are left out.

    Returns:
        A dict from the names of runs to dicts, as `sweep` yields them.

    Raises:
        RunError: For a damaged run.
    """
    found = []
    for path in sorted(Path(directory).iterdir()):
        files, measured = RunDirectory(path), _read_measured(path)
        is_measured = {str(length) for length in lengths} <= set(measured["results"])
        if not (files.is_finished and is_measured):
            continue
        recipe, seed, versions, result = files.read()
        if recipe.task == task:
            run = Run(path, recipe, seed, versions, model=None, result=result)
            found.append((path.name, run, _row(run, measured, lengths)))
    labels = labels_of(
        (name.removesuffix(f"-{run.seed}"), run.recipe) for name, run, _ in found
    )
    return {
        name: {"recipe": label, **row}
        for label, (name, _, row) in zip(labels, found, strict=True)
    }


def _write_measured(directory, measured):
    write_text(directory / _MEASURED_FILE, json.dumps(measured, indent=2))


def _read_measured(directory):
    file = directory / _MEASURED_FILE
    return json.loads(file.read_text()) if file.exists() else {"results": {}}


def _row(run, measured, lengths):
    goal = run.recipe.spec.goal
    examples, values = run.curve(f"val_{goal.name}")
    solved = (
        number
        for number, value in zip(examples, values, strict=True)
        if value < goal.solved_below
    )
    return {
        "seed": run.seed,
        "examples": run.result["examples"],
        "seconds": measured.get("seconds"),
        "metric": goal.name,
        "curve": (examples, values),
        "solved_at": next(solved, None),
        "given_up": run.recipe.is_given_up(run.result["examples"], values),
        "results": {length: measured["results"][str(length)] for length in lengths},
        "trained": (run.task.min_length, run.task.max_length),
    }
