"""`keras-nm data`: makes frozen datasets."""

from pathlib import Path


def add_command(commands):
    data = commands.add_parser(
        "data",
        help="make a frozen dataset",
        description="Makes frozen datasets of the tasks, which tfds.load reads.",
    ).add_subparsers(title="commands", metavar="COMMAND", required=True)
    names = data.add_parser(
        "list",
        help="list all datasets",
        description="Prints the names and the descriptions of all datasets.",
    )
    names.set_defaults(run=_list)
    build = data.add_parser(
        "build",
        help="write a dataset to disk",
        description="Writes the dataset NAME to DIR, where tfds.load(NAME, data_dir=DIR) "
        "finds it after `import keras_nm.tasks.datasets`. Existing data is kept. If the "
        "command is interrupted, run it again.",
    )
    build.add_argument(
        "name",
        metavar="NAME",
        help="such as keras_nm_ntm/copy_len20; `keras-nm data list` lists all",
    )
    build.add_argument(
        "--data-dir",
        type=Path,
        metavar="DIR",
        help="the directory of all datasets (default: that of TensorFlow Datasets, "
        "~/tensorflow_datasets)",
    )
    build.set_defaults(run=_build)


def _list(options):
    from keras_nm.tasks import datasets

    width = max(map(len, datasets.DATASETS)) + 2
    for name, builder in datasets.DATASETS.items():
        (config,) = [c for c in builder.BUILDER_CONFIGS if name.endswith(f"/{c.name}")]
        print(f"{name:{width}s}{config.description}")


def _build(options):
    from keras_nm.tasks import datasets

    print(f"Written to {datasets.build(options.name, options.data_dir)}")
