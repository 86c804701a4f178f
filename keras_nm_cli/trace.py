"""`keras-nm trace`: draws what a trained model does with its memory."""

from pathlib import Path

from keras_nm_cli.arguments import add_run_directory, integer


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
    from keras_nm.runs.run import load_run

    name, suffixes = "trace.png", (*plots.PICTURE_SUFFIXES, plots.ANIMATION_SUFFIX)
    if options.animate:
        name, suffixes = "trace.gif", (plots.ANIMATION_SUFFIX,)
    path = options.output or options.directory / name
    plots.check_path(path, suffixes)  # before the work
    run = load_run(options.directory)
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
