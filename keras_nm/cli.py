"""The command line: argparse over the Python API."""

import argparse
import sys
from pathlib import Path

import keras

import keras_nm

_DESCRIPTION = """\
Trains, measures, shows and exports neural machines.

A first session, from nothing to a served model:

  keras-nm train copy --output runs/copy
  keras-nm evaluate runs/copy --lengths 10 20 30 50 120
  keras-nm trace runs/copy --output copy.png
  keras-nm export runs/copy saved_models/copy

Every command is a few lines over keras_nm.training, keras_nm.plots or keras_nm.export.
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
        default="ntm",
        help="one of: %(choices)s (default: %(default)s)",
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
        type=_at_least(0),
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
        description="Measures the model in DIR on sequences that no training has seen.",
    )
    _add_run_directory(evaluate)
    evaluate.add_argument(
        "--lengths",
        type=_at_least(1),
        nargs="+",
        default=[10, 20, 30, 50, 120],
        metavar="N",
        help="lengths to measure at (default: 10 20 30 50 120)",
    )
    evaluate.add_argument(
        "--locations",
        type=_at_least(1),
        metavar="N",
        help="run the same weights on a memory of N locations; sequences longer than "
        "the memory need it",
    )
    evaluate.set_defaults(run=_evaluate)

    export = commands.add_parser(
        "export",
        help="write a trained model as a SavedModel",
        description="Writes the model in DIR as a SavedModel that runs without keras_nm. "
        "Its signatures are sequence (also serving_default), step and initial_state.",
    )
    _add_run_directory(export)
    export.add_argument(
        "saved_model",
        type=Path,
        metavar="SAVED_MODEL_DIR",
        help="the directory to make; it must not exist",
    )
    export.set_defaults(run=_export)

    trace = commands.add_parser(
        "trace",
        help="draw what a trained model does with its memory",
        description="Runs the model in DIR on one sequence and draws inputs, outputs, "
        "adds, reads and weightings over time. Needs matplotlib: keras_nm[plot].",
    )
    _add_run_directory(trace)
    trace.add_argument(
        "--length",
        type=_at_least(1),
        default=20,
        metavar="N",
        help="length of the sequence (default: %(default)s)",
    )
    trace.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help="the .png, .svg or .pdf to make (default: DIR/trace.png)",
    )
    trace.set_defaults(run=_trace)
    return parser


def _add_run_directory(parser):
    parser.add_argument(
        "directory",
        type=Path,
        metavar="DIR",
        help="a run directory, made by `keras-nm train`",
    )


def _at_least(minimum):
    def integer(text):
        try:
            value = int(text)
        except ValueError:
            value = None
        if value is None or value < minimum:
            raise argparse.ArgumentTypeError(
                f"expected an integer of at least {minimum}, received {text!r}"
            )
        return value

    return integer


def _train(options):
    recipes = keras_nm.training.RECIPES[options.task]
    if options.layer not in recipes:
        raise ValueError(
            f"There is no recipe for {options.task} with {options.layer}. "
            f"There is one for: {', '.join(sorted(recipes))}"
        )
    run = keras_nm.training.train(recipes[options.layer], options.output, options.seed)
    _report(run, options.output)


def _resume(options):
    _report(keras_nm.training.resume(options.directory), options.directory)


def _report(run, directory):
    print(
        f"Trained on {run.result['sequences']} sequences, to "
        f"{run.result['val_bits_per_sequence']:.4f} bits per sequence of length "
        f"{run.task.max_length}. The run is in {directory}"
    )


def _evaluate(options):
    run = keras_nm.training.load_run(options.directory)
    if options.locations is not None:
        run = run.with_num_locations(options.locations)
    layer = run.model.get_layer("machine")
    is_ntm = isinstance(layer, keras_nm.layers.NTM)
    if is_ntm and max(options.lengths) > (num_locations := layer.cell.memory_shape[0]):
        print(
            f"keras-nm: note: length {max(options.lengths)} is more than the memory's "
            f"{num_locations} locations; --locations N gives it more",
            file=sys.stderr,
        )
    print("length  bits per sequence  wrong bits per sequence  sequences")
    for length in options.lengths:
        result = keras_nm.training.evaluate(run, length)
        print(
            f"{length:6d}  {result['bits_per_sequence']:17.4f}  "
            f"{result['wrong_bits_per_sequence']:23.4f}  {result['sequences']:9d}",
            flush=True,
        )


def _export(options):
    run = keras_nm.training.load_run(options.directory)
    keras_nm.export.export(run.model, options.saved_model)
    print(f"Exported to {options.saved_model}")


def _trace(options):
    from keras_nm import plots

    path = options.output or options.directory / "trace.png"
    if path.suffix not in (".png", ".svg", ".pdf"):
        raise ValueError(f"{path} must end in .png, .svg or .pdf")
    if path.exists():
        raise FileExistsError(f"{path} exists: choose another file with --output")
    run = keras_nm.training.load_run(options.directory)
    x, _, _ = next(iter(run.task.evaluation_set(options.length, batch_size=1)))
    layer = run.model.get_layer("machine")
    if not isinstance(layer, keras_nm.layers.NTM):
        raise ValueError(f"The plate is of an NTM. The layer of this run is {layer}")
    trace = {name: value[0].numpy() for name, value in layer.trace(x).items()}
    outputs = keras.activations.sigmoid(trace["output"])
    path.parent.mkdir(parents=True, exist_ok=True)
    plots.copy_plate(x[0], outputs, trace).savefig(path, dpi=120)
    print(f"Drawn to {path}")
