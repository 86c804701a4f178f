"""The command line: argparse over the Python API."""

import argparse
import sys
from pathlib import Path

import keras_nm

_DESCRIPTION = """\
Trains, measures, shows and exports neural machines, and makes data for them.

A first session, from nothing to a served model:

  keras-nm train ntm/copy --output runs/copy
  keras-nm evaluate runs/copy --lengths 10 20 30 50 120
  keras-nm trace runs/copy --output copy.png
  keras-nm export runs/copy exported/copy
  keras-nm serve exported

Every command is a few lines over keras_nm.training, keras_nm.tasks, keras_nm.plots or
keras_nm.export.
Exit codes: 0 done, 2 bad arguments or files (one line says which), 130 interrupted.
"""


def main(arguments=None):
    """Runs the command line and returns its exit code."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except (ValueError, OSError, ImportError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        print(f"keras-nm: error: {reason}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nkeras-nm: interrupted", file=sys.stderr)
        return 130
    return 0


def _parser():
    parser = argparse.ArgumentParser(
        prog="keras-nm",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--version", action="version", version=f"keras_nm {keras_nm.__version__}"
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    tasks = sorted(keras_nm.training.RECIPES)
    layers = sorted({name for by in keras_nm.training.RECIPES.values() for name in by})

    train = commands.add_parser(
        "train",
        help="train a model on a task, by its recipe",
        description="Trains a model on a task, by its recipe, until it is solved. After "
        "every epoch the model is saved in DIR, the curve goes to DIR/curve.csv and to "
        "DIR/tensorboard. `keras-nm resume DIR` continues after an interruption.",
    )
    train.add_argument("task", choices=tasks, help="one of: %(choices)s", metavar="TASK")
    train.add_argument(
        "--layer",
        choices=layers,
        help="one of: %(choices)s (default: the first that the task has a recipe for)",
        metavar="LAYER",
    )
    train.add_argument(
        "--output",
        type=Path,
        required=True,
        metavar="DIR",
        help="the run directory to make; it must not exist or be empty",
    )
    train.add_argument(
        "--seed",
        type=_integer(0),
        default=0,
        metavar="N",
        help="seed of the weights and of the data (default: %(default)s)",
    )
    train.set_defaults(run=_train)

    resume = commands.add_parser(
        "resume",
        help="continue an interrupted training",
        description="Continues the interrupted training in DIR from its last complete "
        "epoch. On the same machine it ends with the weights of an uninterrupted run.",
    )
    _add_run_directory(resume)
    resume.set_defaults(run=_resume)

    evaluate = commands.add_parser(
        "evaluate",
        help="measure a trained model at given lengths",
        description="Measures the model in DIR on examples that no training has seen.",
    )
    _add_run_directory(evaluate)
    _add_lengths(evaluate)
    evaluate.add_argument(
        "--locations",
        type=_integer(1),
        metavar="N",
        help="run the same weights on a memory of N locations; sequences longer than "
        "the memory need it",
    )
    evaluate.add_argument(
        "--task-options",
        type=_task_option,
        nargs="+",
        default=[],
        metavar="NAME=N",
        help="settings of the task that are not as in training, such as min_repeats=15 "
        "max_repeats=15",
    )
    evaluate.add_argument(
        "--structured",
        action="store_true",
        help="measure instead on the cases that random examples hardly ever are: equal, "
        "sorted, reversed and highest data, the shortest and the longest examples",
    )
    evaluate.set_defaults(run=_evaluate)

    export = commands.add_parser(
        "export",
        help="write a trained model as a SavedModel",
        description="Writes the model in DIR as SAVED_MODEL_DIR/VERSION, a SavedModel that "
        "runs without keras_nm, with a card of what the model is and how it was measured. "
        "Its signatures are sequence (also serving_default), step and initial_state, or "
        "fuzzy (also serving_default), integer and step for a random-access machine.",
    )
    _add_run_directory(export)
    export.add_argument(
        "saved_model",
        type=Path,
        metavar="SAVED_MODEL_DIR",
        help="the directory of all versions of the model, whose name is the model's",
    )
    export.add_argument(
        "--version",
        type=_integer(1),
        metavar="N",
        help="the version (default: one more than the last)",
    )
    export.add_argument(
        "--overwrite", action="store_true", help="replace the version if it exists"
    )
    _add_lengths(export)
    export.set_defaults(run=_export)

    trace = commands.add_parser(
        "trace",
        help="draw what a trained model does with its memory",
        description="Runs the model in DIR on one example and draws what happens inside. "
        "Of a Neural Turing Machine: inputs, outputs, what its heads add and read, and "
        "where. Of a random-access machine: tape and registers at every step, and the "
        "circuits that it ran. A .gif shows this step by step, or how it came about in "
        "training. Needs matplotlib: keras_nm[plot].",
    )
    _add_run_directory(trace)
    trace.add_argument(
        "--length",
        type=_integer(1),
        metavar="N",
        help="length of the example (default: the longest in training)",
    )
    trace.add_argument(
        "--example",
        type=_integer(0),
        default=0,
        metavar="N",
        help="which example of that length (default: %(default)s)",
    )
    trace.add_argument(
        "--animate",
        choices=["time", "training"],
        help="what a .gif animates, the steps or the training (default: time)",
    )
    trace.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help="the .png, .svg, .pdf or .gif to make (default: DIR/trace.png)",
    )
    trace.set_defaults(run=_trace)

    sweep = commands.add_parser(
        "sweep",
        help="train a task from many seeds, in parallel",
        description="Trains a task by its recipes from the seeds 0, 1, ..., in parallel "
        "processes, each run in DIR/LAYER-SEED, and measures what they learned. At the end "
        "the table is in DIR/table.md, and the charts, if matplotlib is installed, are in "
        "DIR/curves.png and DIR/lengths.png. If it is interrupted, run it again.",
    )
    sweep.add_argument("task", choices=tasks, help="one of: %(choices)s", metavar="TASK")
    sweep.add_argument(
        "--layer",
        choices=layers,
        nargs="+",
        dest="layers",
        metavar="LAYER",
        help="some of: %(choices)s (default: all that the task has a recipe for)",
    )
    sweep.add_argument(
        "--seeds",
        type=_integer(1),
        default=5,
        metavar="N",
        help="number of seeds (default: %(default)s)",
    )
    sweep.add_argument(
        "--jobs",
        type=_integer(1),
        default=2,
        metavar="N",
        help="number of processes at a time (default: %(default)s)",
    )
    sweep.add_argument(
        "--replicas",
        type=_integer(1),
        default=1,
        metavar="N",
        help="number of seeds that a process trains at once, in one program, for tasks of "
        "the random-access machine (default: %(default)s)",
    )
    _add_lengths(sweep)
    sweep.add_argument(
        "--output",
        type=Path,
        required=True,
        metavar="DIR",
        help="the directory of all runs",
    )
    sweep.set_defaults(run=_sweep)

    chart = commands.add_parser(
        "chart",
        help="draw how runs learned, and how far that carries",
        description="Draws runs of one task. Those of one recipe, with several seeds, are "
        "drawn as one. `curves` has their learning curves, `lengths` how wrong they are at "
        "lengths in and beyond training, `answers` what the first of them answers at these "
        "lengths, beside the right answers. Needs matplotlib: keras_nm[plot].",
    )
    chart.add_argument("kind", choices=["curves", "lengths", "answers"])
    chart.add_argument(
        "directories",
        type=Path,
        nargs="+",
        metavar="DIR",
        help="run directories, made by `keras-nm train`",
    )
    _add_lengths(chart)
    chart.add_argument(
        "--output",
        type=Path,
        required=True,
        metavar="FILE",
        help="the .png, .svg or .pdf to make",
    )
    chart.set_defaults(run=_chart)

    serve = commands.add_parser(
        "serve",
        help="answer requests over HTTP",
        description="Serves the SavedModels in DIR/NAME/VERSION, as TensorFlow Serving's "
        "REST API does, until it is interrupted. New versions are picked up.",
    )
    serve.add_argument("directory", type=Path, metavar="DIR", help="where the models are")
    serve.add_argument(
        "--host", default="127.0.0.1", help="address to listen at (default: %(default)s)"
    )
    serve.add_argument(
        "--port",
        type=_integer(1, 65535),
        default=8501,
        metavar="N",
        help="port (default: %(default)s)",
    )
    serve.set_defaults(run=_serve)

    page = commands.add_parser(
        "page",
        help="write a page in which models run in the browser",
        description="Writes one HTML file in which the newest versions of the models in "
        "DIR/NAME/VERSION run in the browser and show what happens inside, without a "
        "server. Needs tf2onnx, keras_nm[page], and npm, which fetches the runtime.",
    )
    page.add_argument("directory", type=Path, metavar="DIR", help="where the models are")
    page.add_argument(
        "--output",
        type=Path,
        required=True,
        metavar="FILE",
        help="the HTML file to make; it must not exist",
    )
    page.set_defaults(run=_page)

    data = commands.add_parser(
        "data",
        help="make a frozen dataset",
        description="Makes frozen datasets of the tasks, which tfds.load reads.",
    ).add_subparsers(title="commands", metavar="COMMAND", required=True)
    names = data.add_parser(
        "list",
        help="name all datasets",
        description="Prints the names of all datasets, and what they are.",
    )
    names.set_defaults(run=_list_data)
    build = data.add_parser(
        "build",
        help="write a dataset to disk",
        description="Writes the dataset NAME to DIR, where tfds.load(NAME, data_dir=DIR) "
        "finds it after `import keras_nm.tasks.datasets`. What is there already is kept. "
        "If it is interrupted, run it again.",
    )
    build.add_argument(
        "name",
        metavar="NAME",
        help="such as keras_nm_ntm/copy_len20; `keras-nm data list` has all",
    )
    build.add_argument(
        "--data-dir",
        type=Path,
        metavar="DIR",
        help="where datasets are (default: that of TensorFlow Datasets, "
        "~/tensorflow_datasets)",
    )
    build.set_defaults(run=_build_data)
    return parser


def _add_run_directory(parser):
    parser.add_argument(
        "directory",
        type=Path,
        metavar="DIR",
        help="a run directory, made by `keras-nm train`",
    )


def _add_lengths(parser):
    parser.add_argument(
        "--lengths",
        type=_integer(1),
        nargs="+",
        metavar="N",
        help="lengths to measure at (default: the task's, in and beyond the paper's "
        "training)",
    )


def _integer(minimum, maximum=None):
    def integer(text):
        try:
            value = int(text)
        except ValueError:
            value = None
        if value is None or value < minimum:
            raise argparse.ArgumentTypeError(
                f"expected an integer of at least {minimum}, received {text!r}"
            )
        if maximum is not None and value > maximum:
            raise argparse.ArgumentTypeError(
                f"expected an integer of at most {maximum}, received {text!r}"
            )
        return value

    return integer


def _task_option(text):
    name, separator, value = text.partition("=")
    if not (separator and name.isidentifier()):
        raise argparse.ArgumentTypeError(f"expected NAME=N, received {text!r}")
    return name, _integer(0)(value)


def _train(options):
    layer = options.layer or next(iter(keras_nm.training.RECIPES[options.task]))
    recipe = _recipe(options.task, layer)
    run = keras_nm.training.train(recipe, options.output, options.seed)
    _report(run, options.output)


def _resume(options):
    _report(keras_nm.training.resume(options.directory), options.directory)


def _report(run, directory):
    result = dict(run.result)
    num_examples = result.pop("examples")
    measured = ", ".join(f"{_words(name)} {value:.4f}" for name, value in result.items())
    print(
        f"Trained on {num_examples} examples. At length {run.task.max_length}: {measured}. "
        f"The run is in {directory}"
    )


def _sweep(options):
    names = options.layers or list(keras_nm.training.RECIPES[options.task])
    recipes = {name: _recipe(options.task, name) for name in names}
    rows, errors = {}, {}
    runs = keras_nm.training.sweep(
        recipes,
        range(options.seeds),
        options.output,
        _lengths(options, options.task),
        options.jobs,
        options.replicas,
    )
    for name, row in runs:
        (errors if isinstance(row, Exception) else rows)[name] = row
        done = len(rows) + len(errors)
        print(f"{done} of {len(recipes) * options.seeds}: {name}", flush=True)
    if rows:
        print(keras_nm.training.write_report(rows, options.task, options.output), end="")
    if errors:
        name, error = next(iter(errors.items()))
        raise ValueError(
            f"{len(errors)} of {done} runs failed; run the sweep again to go on with them. "
            f"{name}: {type(error).__name__}: {error}"
        )


def _recipe(task, layer):
    recipes = keras_nm.training.RECIPES[task]
    if layer not in recipes:
        raise ValueError(
            f"There is no recipe for {task} with {layer}. "
            f"There is one for: {', '.join(sorted(recipes))}"
        )
    return recipes[layer]


def _lengths(options, task):
    return options.lengths or list(keras_nm.tasks.TASKS[task].lengths)


def _words(name):
    return name.replace("_", " ")


def _evaluate(options):
    run = keras_nm.training.load_run(options.directory)
    if options.locations is not None:
        run = run.with_num_locations(options.locations)
    layer = run.model.get_layer("machine")
    if options.structured:
        if options.lengths or options.task_options:
            raise ValueError("--structured goes without --lengths and --task-options")
        _print_table("case", keras_nm.training.evaluate_structured(run).items())
        return
    lengths = _lengths(options, run.recipe.task)
    is_ntm = isinstance(layer, keras_nm.layers.NTM)
    if is_ntm and max(lengths) > (num_locations := layer.cell.memory_shape[0]):
        print(
            f"keras-nm: note: length {max(lengths)} is more than the memory's "
            f"{num_locations} locations; --locations N gives it more",
            file=sys.stderr,
        )
    task_options = dict(options.task_options)
    results = (
        (length, keras_nm.training.evaluate(run, length, **task_options))
        for length in lengths
    )
    _print_table("length", results)


def _print_table(title, rows):
    """Prints a row of numbers for each case as soon as they are there."""
    for index, (case, results) in enumerate(rows):
        if index == 0:
            print(f"{title:8s}", *map(_words, results), sep="  ")
        cells = [f"{case:8}"]
        for name, value in results.items():
            number = f"{value:.4f}" if isinstance(value, float) else str(value)
            cells.append(number.rjust(len(name)))
        print(*cells, sep="  ", flush=True)


def _export(options):
    run = keras_nm.training.load_run(options.directory)
    path = keras_nm.export.export(
        run.model,
        options.saved_model,
        options.version,
        card=keras_nm.training.describe(run, _lengths(options, run.recipe.task)),
        overwrite=options.overwrite,
    )
    print(f"Exported to {path}")


def _trace(options):
    from keras_nm import plots
    from keras_nm.training import pictures

    path = options.output or options.directory / "trace.png"
    suffixes = (*plots.PICTURE_SUFFIXES, plots.ANIMATION_SUFFIX)
    if options.animate:
        suffixes = (plots.ANIMATION_SUFFIX,)
    plots.check_path(path, suffixes)  # before the work
    run = keras_nm.training.load_run(options.directory)
    if path.suffix in plots.PICTURE_SUFFIXES:
        plots.write_picture(pictures.picture(run, options.length, options.example), path)
    else:
        frames, seconds = {
            None: (pictures.time_frames, 0.25),
            "time": (pictures.time_frames, 0.25),
            "training": (pictures.training_frames, 1.0),
        }[options.animate]
        frames = frames(run, options.length, options.example)
        plots.write_animation(frames, path, seconds)
    print(f"Drawn to {path}")


def _chart(options):
    from keras_nm import plots
    from keras_nm.training import pictures

    plots.check_path(options.output, plots.PICTURE_SUFFIXES)
    runs = [keras_nm.training.load_run(directory) for directory in options.directories]
    lengths = _lengths(options, runs[0].recipe.task)
    if options.kind == "curves":
        figure = pictures.curves(runs)
    elif options.kind == "lengths":
        figure = pictures.generalization(runs, lengths)
    else:
        figure = pictures.answers(runs[0], lengths)
    plots.write_picture(figure, options.output)
    print(f"Drawn to {options.output}")


def _serve(options):
    from keras_nm import serving

    serving.serve(options.directory, options.host, options.port)


def _page(options):
    from keras_nm.page import write_page

    path = write_page(options.directory, options.output)
    print(f"Written to {path}, {path.stat().st_size / 1e6:.1f} MB")


def _list_data(options):
    from keras_nm.tasks import datasets

    for name, builder in datasets.DATASETS.items():
        (config,) = [c for c in builder.BUILDER_CONFIGS if name.endswith(f"/{c.name}")]
        print(f"{name:40s}{config.description}")


def _build_data(options):
    # TensorFlow Datasets takes seconds to import.
    from keras_nm.tasks import datasets

    print(f"Written to {datasets.build(options.name, options.data_dir)}")
