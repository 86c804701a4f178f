"""`keras-nm chart`: draws how runs learned, and how well they generalize."""

from pathlib import Path

from keras_nm_cli.arguments import add_lengths, lengths_of


def add_command(commands):
    parser = commands.add_parser(
        "chart",
        help="draw how runs learned, and how well they generalize",
        description="Draws runs of one task. Runs of one recipe from several seeds are "
        "drawn as one. `curves` draws their learning curves, `lengths` how wrong they are "
        "at lengths within and beyond training, and `answers` the first run's answers at "
        "these lengths, beside the right answers. Needs matplotlib: keras_nm[plot].",
    )
    parser.add_argument("kind", choices=["curves", "lengths", "answers"])
    parser.add_argument(
        "directories",
        type=Path,
        nargs="+",
        metavar="DIR",
        help="run directories, made by `keras-nm train`",
    )
    add_lengths(parser)
    parser.add_argument(
        "--output",
        type=Path,
        required=True,
        metavar="FILE",
        help="the .png, .svg or .pdf to make",
    )
    parser.set_defaults(run=run)


def run(options):
    from keras_nm import plots
    from keras_nm.runs import pictures
    from keras_nm.runs.run import load_run

    if options.kind == "curves" and options.lengths:
        raise ValueError("use --lengths with `lengths` and `answers`, not with `curves`")
    plots.check_path(options.output, plots.PICTURE_SUFFIXES)
    runs = [load_run(directory) for directory in options.directories]
    lengths = lengths_of(options, runs[0].recipe.task)
    if options.kind == "curves":
        figure = pictures.curves(runs)
    elif options.kind == "lengths":
        figure = pictures.generalization(runs, lengths)
    else:
        figure = pictures.answers(runs[0], lengths)
    plots.write_picture(figure, options.output)
    print(f"Drawn to {options.output}")
