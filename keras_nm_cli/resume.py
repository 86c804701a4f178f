"""`keras-nm resume`: continues an interrupted training."""

from keras_nm_cli.arguments import add_run_directory
from keras_nm_cli.output import report


def add_command(commands):
    parser = commands.add_parser(
        "resume",
        help="continue an interrupted training",
        description="Continues the interrupted training in DIR from its last complete "
        "epoch. On the same computer, it ends with the weights of an uninterrupted run.",
    )
    add_run_directory(parser)
    parser.set_defaults(run=run)


def run(options):
    from keras_nm.runs.run import resume

    report(resume(options.directory), options.directory)
