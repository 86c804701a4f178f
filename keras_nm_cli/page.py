"""`keras-nm page`: writes a page in which models run in the browser."""

from pathlib import Path


def add_command(commands):
    parser = commands.add_parser(
        "page",
        help="write a page in which models run in the browser",
        description="Writes one HTML file in which the newest versions of the models in "
        "DIR/NAME/VERSION run in the browser and show what happens inside, without a "
        "server. Needs tf2onnx, keras_nm[page], and npm, which fetches the runtime.",
    )
    parser.add_argument(
        "directory", type=Path, metavar="DIR", help="the directory of all models"
    )
    parser.add_argument(
        "--output",
        type=Path,
        required=True,
        metavar="FILE",
        help="the HTML file to make; it must not exist",
    )
    parser.set_defaults(run=run)


def run(options):
    from keras_nm.page import write_page

    path = write_page(options.directory, options.output)
    print(f"Written to {path}, {path.stat().st_size / 1e6:.1f} MB")
