"""`keras-nm export`: writes a trained model as a SavedModel."""

from pathlib import Path

from keras_nm_cli.arguments import (
    add_lengths,
    add_memory_size,
    add_run_directory,
    integer,
    lengths_of,
    run_of,
)


def add_command(commands):
    parser = commands.add_parser(
        "export",
        help="write a trained model as a SavedModel",
        description="Writes the model in DIR as SAVED_MODEL_DIR/VERSION, a SavedModel that "
        "runs without keras_nm, with a card that describes the model and its results. "
        "Its signatures are sequence (also serving_default), step and initial_state, or "
        "fuzzy (also serving_default), integer and step for a random-access machine, or "
        "sequence and step for a Neural GPU.",
    )
    add_run_directory(parser)
    parser.add_argument(
        "saved_model",
        type=Path,
        metavar="SAVED_MODEL_DIR",
        help="the directory of all versions of the model; its name is the model's name",
    )
    parser.add_argument(
        "--version",
        type=integer(1),
        metavar="N",
        help="the version (default: the last one plus 1)",
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="replace the version if it exists"
    )
    parser.add_argument(
        "--license", metavar="NAME", help="the model's license, such as MIT, for its card"
    )
    add_memory_size(parser, use="export")
    add_lengths(parser)
    parser.set_defaults(run=run)


def run(options):
    from keras_nm.export.saved_model import check_free, export
    from keras_nm.runs.evaluation import describe

    check_free(options.saved_model, options.version, overwrite=options.overwrite)
    run = run_of(options)
    license = {} if options.license is None else {"license": options.license}
    path = export(
        run.model,
        options.saved_model,
        options.version,
        card={**license, **describe(run, lengths_of(options, run.recipe.task))},
        overwrite=options.overwrite,
    )
    print(f"Exported to {path}")
