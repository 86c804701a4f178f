"""Frozen datasets of the tasks, for TensorFlow Datasets.

Importing this module makes them known to `tfds.load`. A dataset has the name of its
family, its task and the largest length in training, such as `keras_nm_ntm/copy_len20`. Its
splits are `train`, `validation`, `test`, and `long`, whose examples are longer than those
of the others.

>>> import tensorflow_datasets as tfds
>>> import keras_nm.tasks.datasets
>>> tfds.builder("keras_nm_ntm/copy_len20").info.supervised_keys
('x', 'y', 'sample_weight')

Example i of a split is example i of the pipeline of that split with the seed 0. Sequences
end with their answer, so batches of them need padding.

Splits share no random number. But there are few different examples of small lengths and
tapes, so that many in a test split are in the training split, too. The split `long`, where
all are longer, shares none with the others.
"""

import inspect
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import tensorflow_datasets as tfds

from keras_nm.arguments import check_choice
from keras_nm.files import locked
from keras_nm.tasks.ntm import SequenceTask
from keras_nm.tasks.table import TASKS

_BATCH_SIZE = 250


@dataclass
class TaskConfig(tfds.core.BuilderConfig):
    """One task, up to one length.

    Args:
        task: Key of `keras_nm.tasks.TASKS`.
        max_length: The largest length in training.
    """

    task: str = ""
    max_length: int = 0


def _configs(family):
    return [
        TaskConfig(
            name=f"{spec.make.name}_len{max_length}",
            description=f"{inspect.getdoc(spec.make).splitlines()[0]} Trained to "
            f"{max_length} {spec.length}, tested to {longest}.",
            task=name,
            max_length=max_length,
        )
        for name, spec in TASKS.items()
        if name.startswith(f"{family}/")
        for max_length, longest in spec.frozen.items()
    ]


class _Builder(tfds.core.GeneratorBasedBuilder, skip_registration=True):
    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES: ClassVar[dict[str, str]] = {"1.0.0": "First version."}

    def _info(self):
        config = self.builder_config
        spec = TASKS[config.task]
        task = spec.make(max_length=config.max_length)
        arrays = (spec.x, spec.y, spec.sample_weight)
        # The tapes of the split `long` are larger, too.
        dynamic = "timesteps" if isinstance(task, SequenceTask) else "num_cells"

        def feature(array):
            shape = [
                None if axis == dynamic else getattr(task, axis) for axis in array.shape
            ]
            dtype = np.dtype(array.dtype)
            return tfds.features.Tensor(shape=shape, dtype=dtype, encoding="zlib")

        return self.dataset_info_from_configs(
            description=f"{_what(spec)}\n\nFrom {spec.paper.name}, section {spec.section}. "
            f"The seed is 0, and the splits are {_describe(spec, config.max_length)}.",
            features=tfds.features.FeaturesDict({a.name: feature(a) for a in arrays}),
            supervised_keys=tuple(array.name for array in arrays),
            homepage=spec.paper.url,
            citation=spec.paper.citation,
            disable_shuffling=True,  # example i is that of the pipeline
        )

    def download_and_prepare(self, **kwargs):
        path = Path(self.data_path)
        if path.exists():  # then there is nothing to write, unless the caller says so
            return super().download_and_prepare(**kwargs)
        busy = f"Another process is writing the dataset in {path.parent}. Wait for it"
        with locked(path.parent, busy):
            for left_over in path.parent.glob(f"incomplete.*_{path.name}"):
                shutil.rmtree(left_over)
            return super().download_and_prepare(**kwargs)

    def _split_generators(self, dl_manager):
        splits = TASKS[self.builder_config.task].splits
        return {split: self._generate_examples(split) for split in splits}

    def _generate_examples(self, split):
        spec = TASKS[self.builder_config.task]
        task = spec.for_split(split, self.builder_config.max_length)
        names = [array.name for array in (spec.x, spec.y, spec.sample_weight)]
        num_examples = spec.splits[split].num_examples
        batches = task.dataset(_BATCH_SIZE, split=split).unbatch().take(num_examples)
        for index, arrays in enumerate(batches.as_numpy_iterator()):
            if isinstance(task, SequenceTask):
                end = np.flatnonzero(arrays[-1])[-1] + 1
                arrays = [array[:end] for array in arrays]
            yield index, dict(zip(names, arrays, strict=True))


def _what(spec):
    """The docstring without what is said about arguments."""
    return inspect.getdoc(spec.make).split("\nArgs:")[0].split("\nExample:")[0].strip()


def _describe(spec, max_length):
    parts = []
    for name, split in spec.splits.items():
        task = spec.for_split(name, max_length)
        parts.append(
            f"`{name}` ({split.num_examples} examples of {task.min_length} to "
            f"{task.max_length} {spec.length})"
        )
    return ", ".join(parts)


class KerasNmNtm(_Builder):
    """The tasks of the Neural Turing Machine."""

    BUILDER_CONFIGS: ClassVar = _configs("ntm")


class KerasNmNram(_Builder):
    """The tasks of the Neural Random-Access Machine."""

    BUILDER_CONFIGS: ClassVar = _configs("nram")


# All datasets by name.
DATASETS = {
    f"{builder.name}/{config.name}": builder
    for builder in (KerasNmNtm, KerasNmNram)
    for config in builder.BUILDER_CONFIGS
}


def build(name, data_dir=None):
    """Writes a dataset to disk, if it is not there yet.

    It is written beside its place and moved there when it is complete. What was left by a
    process that was killed is removed. `tfds.load` does the same.

    Args:
        name: Key of `DATASETS`, such as `"keras_nm_ntm/copy_len20"`.
        data_dir: Path of the directory of all datasets. Defaults to that of TensorFlow
            Datasets, `~/tensorflow_datasets`.

    Returns:
        The `pathlib.Path` of the dataset.

    Raises:
        ValueError: For unknown names, and if another process is writing the dataset.
    """
    check_choice("name", name, DATASETS)
    builder = DATASETS[name](config=name.split("/")[1], data_dir=data_dir)
    builder.download_and_prepare()
    return Path(builder.data_path)
