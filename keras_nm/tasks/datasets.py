"""Frozen datasets of the tasks, for TensorFlow Datasets.

Importing this module registers them with `tfds.load`. A dataset is named after its family,
its task and the largest length in training, such as `keras_nm_ntm/copy_len20`. Its splits
are `train`, `validation`, `test`, and `long`, whose examples are longer than those of the
other splits.

>>> import tensorflow_datasets as tfds
>>> import keras_nm.tasks.datasets
>>> tfds.builder("keras_nm_ntm/copy_len20").info.supervised_keys
('x', 'y', 'sample_weight')

Example i of a split is example i of that split's pipeline with seed 0. `shuffle_files=True`
gives up this order. As a split is usually one file, shuffle its examples with
`tf.data.Dataset.shuffle`. A sequence ends with its answer, so batches of sequences need
padding.

Splits share no random numbers. However, there are few different examples with small lengths
and small tapes, so many examples in a test split are also in the training split. All
examples in the split `long` are longer, so it shares none with the other splits. The tasks
`npi` are an exception: their examples are calls, and with recursive programs longer
problems have the same calls.
"""

import dataclasses
import math
import shutil
from pathlib import Path
from typing import ClassVar

import numpy as np
import tensorflow_datasets as tfds

from keras_nm.arguments import check_choice
from keras_nm.files import locked
from keras_nm.tasks.table import TASKS

_BATCH_SIZE = 250


@dataclasses.dataclass
class TaskConfig(tfds.core.BuilderConfig):
    """The configuration of a dataset: one task, up to one length.

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
            description=f"{spec.summary} Trained on up to {max_length} {spec.length}, "
            f"tested on up to {longest}.",
            task=name,
            max_length=max_length,
        )
        for name, spec in TASKS.items()
        if spec.family == family
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

        def feature(array):
            dtype = np.dtype(array.dtype)
            shape = array.sizes(task)
            return tfds.features.Tensor(shape=shape, dtype=dtype, encoding="zlib")

        return self.dataset_info_from_configs(
            description=f"{spec.summary}\n\n{spec.explanation}\n\nFrom {spec.paper.name}, "
            f"section {spec.section}. The seed is 0, and the splits are "
            f"{_describe(spec, config.max_length)}.",
            features=tfds.features.FeaturesDict({a.name: feature(a) for a in arrays}),
            supervised_keys=tuple(array.name for array in arrays),
            homepage=spec.paper.url,
            citation=spec.paper.citation,
            disable_shuffling=True,  # example i is example i of the pipeline
        )

    def download_and_prepare(self, **kwargs):
        path = Path(self.data_path)
        mode = getattr(kwargs.get("download_config"), "download_mode", None)
        if path.exists() and not (mode and mode.overwrite_dataset):  # nothing to write
            return super().download_and_prepare(**kwargs)
        busy = ValueError(
            f"Another process is writing the dataset in {path.parent}. Wait until it has "
            "finished"
        )
        with locked(path.parent, busy):
            for left_over in path.parent.glob(f"incomplete.*_{path.name}"):
                shutil.rmtree(left_over)
            return super().download_and_prepare(**kwargs)

    def as_dataset(self, split=None, *, shuffle_files=False, read_config=None, **kwargs):
        if shuffle_files:
            # TFDS refuses to read ordered datasets in another order. Who asks for shuffled
            # files does not want that order.
            read_config = dataclasses.replace(
                read_config or tfds.ReadConfig(), enable_ordering_guard=False
            )
        return super().as_dataset(
            split, shuffle_files=shuffle_files, read_config=read_config, **kwargs
        )

    def _split_generators(self, dl_manager):
        splits = TASKS[self.builder_config.task].splits
        return {split: self._generate_examples(split) for split in splits}

    def _generate_examples(self, split):
        spec = TASKS[self.builder_config.task]
        task = spec.for_split(split, self.builder_config.max_length)
        names = [array.name for array in (spec.x, spec.y, spec.sample_weight)]
        num_examples = spec.splits[split].num_examples
        batches = task.dataset(
            _BATCH_SIZE, split=split, num_batches=math.ceil(num_examples / _BATCH_SIZE)
        )
        examples = batches.unbatch().take(num_examples)
        for index, arrays in enumerate(examples.as_numpy_iterator()):
            yield index, dict(zip(names, task.unpadded(arrays), strict=True))


def _describe(spec, max_length):
    parts = []
    for name, split in spec.splits.items():
        task = spec.for_split(name, max_length)
        parts.append(
            f"`{name}` ({split.num_examples} examples of {task.min_length} to "
            f"{task.max_length} {spec.length})"
        )
    return ", ".join(parts)


def _builder(family):
    """Makes the class of a family's datasets. Their name is derived from the class name."""
    name = f"KerasNm{family.title().replace('_', '')}"
    members = {"BUILDER_CONFIGS": _configs(family), "__module__": __name__}
    return type(name, (_Builder,), members)


# All datasets by name.
DATASETS = {
    f"{builder.name}/{config.name}": builder
    for family in dict.fromkeys(spec.family for spec in TASKS.values())
    for builder in [_builder(family)]
    for config in builder.BUILDER_CONFIGS
}


def build(name, data_dir=None):
    """Writes a dataset to disk if it is not there yet.

    The dataset is written next to its final place and moved there when it is complete.
    Leftovers of a killed process are removed. `tfds.load` does the same.

    Args:
        name: Key of `DATASETS`, such as `"keras_nm_ntm/copy_len20"`.
        data_dir: Path of the directory of all datasets. Defaults to the directory of
            TensorFlow Datasets, `~/tensorflow_datasets`.

    Returns:
        The `pathlib.Path` of the dataset.

    Raises:
        ValueError: For an unknown name, and if another process is writing the dataset.
    """
    check_choice("name", name, DATASETS)
    builder = DATASETS[name](config=name.split("/")[1], data_dir=data_dir)
    builder.download_and_prepare()
    return Path(builder.data_path)
