"""`keras-nm trace`: draws what a trained model does with its memory."""

from pathlib import Path

from keras_nm_cli.arguments import (
    add_memory_size,
    add_run_directory,
    add_task_options,
    integer,
    run_of,
    task_options_of,
)


def add_command(commands):
    parser = commands.add_parser(
        "trace",
        help="draw what a trained model does with its memory",
        description="Runs the model in DIR on one example and draws what happens inside. "
        "For a Neural Turing Machine: the inputs, the outputs, the vectors that its heads "
        "add and read, and where. For a random-access machine: the tape and the registers "
        "at every step, and the circuits that it ran. Other machines have pictures of "
        "their own. A .gif shows this step by step, or "
        "how it developed in training. Needs matplotlib: keras_nm[plot].",
    )
    add_run_directory(parser)
    parser.add_argument(
        "--length",
        type=integer(1),
        metavar="N",
        help="length of the example (default: the longest in training)",
    )
    parser.add_argument(
        "--example",
        type=integer(0),
        default=0,
        metavar="N",
        help="which example of that length (default: %(default)s)",
    )
    add_memory_size(parser, use="draw")
    add_task_options(parser)
    parser.add_argument(
        "--animate",
        choices=["time", "training"],
        help="whether a .gif animates the steps or the training (default: time)",
    )
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help="the .png, .svg, .pdf or .gif to make (default: DIR/trace.png, with --animate "
        "DIR/trace.gif)",
    )
    parser.set_defaults(run=run)


def run(options):
    from keras_nm import plots
    from keras_nm.runs import pictures

    name, suffixes = "trace.png", (*plots.PICTURE_SUFFIXES, plots.ANIMATION_SUFFIX)
    if options.animate:
        name, suffixes = "trace.gif", (plots.ANIMATION_SUFFIX,)
    path = options.output or options.directory / name
    plots.check_path(path, suffixes)  # before the work
    run = run_of(options)
    drawn = {
        "length": options.length,
        "example": options.example,
        **task_options_of(options, run),
    }
    if path.suffix in plots.PICTURE_SUFFIXES:
        plots.write_picture(pictures.picture(run, **drawn), path)
    else:
        draw, seconds = {
            None: (pictures.time_frames, 0.25),
            "time": (pictures.time_frames, 0.25),
            "training": (pictures.training_frames, 1.0),
        }[options.animate]
        plots.write_animation(draw(run, **drawn), path, seconds)
    print(f"Drawn to {path}")
