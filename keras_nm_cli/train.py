"""`keras-nm train`: trains a model on a task, by its recipe."""

from pathlib import Path

from keras_nm_cli.arguments import add_task, integer, recipe_of, recipes_of
from keras_nm_cli.output import report


def add_command(commands):
    parser = commands.add_parser(
        "train",
        help="train a model on a task, by its recipe",
        description="Trains a model on a task for as many epochs as its recipe says, or "
        "until it is as good as the recipe asks. After every epoch, it saves the model in "
        "DIR, and the curve in DIR/curve.csv and DIR/tensorboard. `keras-nm resume DIR` "
        "continues after an interruption.",
    )
    add_task(parser)
    parser.add_argument(
        "--layer",
        metavar="LAYER",
        help="the name of one of the task's recipes, such as ntm (default: the first); "
        "the error for an unknown name lists all",
    )
    parser.add_argument(
        "--output",
        type=Path,
        required=True,
        metavar="DIR",
        help="the run directory to make; it must be new or empty",
    )
    parser.add_argument(
        "--seed",
        type=integer(0),
        default=0,
        metavar="N",
        help="seed of the weights and of the data (default: %(default)s)",
    )
    parser.set_defaults(run=run)


def run(options):
    from keras_nm.runs.run import train

    layer = options.layer or next(iter(recipes_of(options.task)))
    recipe = recipe_of(options.task, layer)
    run = train(recipe, options.output, options.seed)
    report(run, options.output)
