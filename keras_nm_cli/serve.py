"""`keras-nm serve`: answers requests over HTTP."""

from pathlib import Path

from keras_nm_cli.arguments import integer


def add_command(commands):
    parser = commands.add_parser(
        "serve",
        help="answer requests over HTTP",
        description="Serves the SavedModels in DIR/NAME/VERSION, as TensorFlow Serving's "
        "REST API does, until it is interrupted. It picks up new versions.",
    )
    parser.add_argument(
        "directory", type=Path, metavar="DIR", help="the directory of all models"
    )
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen on (default: %(default)s)"
    )
    parser.add_argument(
        "--port",
        type=integer(1, 65535),
        default=8501,
        metavar="N",
        help="port (default: %(default)s)",
    )
    parser.set_defaults(run=run)


def run(options):
    from keras_nm import serving

    serving.serve(options.directory, options.host, options.port)
