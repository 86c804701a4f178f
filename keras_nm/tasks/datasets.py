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
end with their answer, so batches of them need padding. Examples of different splits share
no random number, but of the shortest ones there are so few that a split may have the same
as another.
"""

import contextlib
import fcntl
import inspect
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import tensorflow_datasets as tfds

from keras_nm.tasks.ntm import SequenceTask
from keras_nm.tasks.table import TASKS

_BATCH_SIZE = 250

_CITATIONS = {
    "ntm": """@article{graves2014neural,
  title={Neural Turing Machines},
  author={Graves, Alex and Wayne, Greg and Danihelka, Ivo},
  journal={arXiv preprint arXiv:1410.5401},
  year={2014}
}""",
    "nram": """@inproceedings{kurach2016neural,
  title={Neural Random-Access Machines},
  author={Kurach, Karol and Andrychowicz, Marcin and Sutskever, Ilya},
  booktitle={International Conference on Learning Representations},
  year={2016}
}""",
}


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
            description=f"{inspect.getdoc(type(task))}\n\nFrom {spec.paper}. The "
            f"seed is 0, and the splits are {_describe(spec, config.max_length)}.",
            features=tfds.features.FeaturesDict({a.name: feature(a) for a in arrays}),
            supervised_keys=tuple(array.name for array in arrays),
            homepage="https://arxiv.org/abs/"
            + {"ntm": "1410.5401", "nram": "1511.06392"}[config.task.split("/")[0]],
            citation=_CITATIONS[config.task.split("/")[0]],
            disable_shuffling=True,  # example i is that of the pipeline
        )

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

    It is written beside its place and moved there when it is complete. What an interrupted
    build has left is removed.

    Args:
        name: Key of `DATASETS`, such as `"keras_nm_ntm/copy_len20"`.
        data_dir: Path of the directory of all datasets. Defaults to that of TensorFlow
            Datasets, `~/tensorflow_datasets`.

    Returns:
        The `pathlib.Path` of the dataset.

    Raises:
        ValueError: For unknown names, and if another process is writing the dataset.
    """
    if name not in DATASETS:
        raise ValueError(f"`name` must be one of {', '.join(DATASETS)}. Received: {name!r}")
    builder = DATASETS[name](config=name.split("/")[1], data_dir=data_dir)
    path = Path(builder.data_path)
    with _locked(path.parent):
        for left_over in path.parent.glob(f"incomplete.*_{path.name}"):
            shutil.rmtree(left_over)
        builder.download_and_prepare()
    return path


@contextlib.contextmanager
def _locked(directory):
    directory.mkdir(parents=True, exist_ok=True)
    with open(directory / ".lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ValueError(
                f"Another process is writing the dataset in {directory}. Wait for it"
            ) from None
        yield
