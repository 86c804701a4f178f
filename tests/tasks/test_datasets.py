import dataclasses
import os
import signal
import subprocess
import sys
import time
from types import MappingProxyType

import numpy as np
import pytest
import tensorflow_datasets as tfds
from eager_sampling import sampled

from keras_nm.files import locked
from keras_nm.tasks import TASKS, datasets
from keras_nm.tasks.task import SPLITS
from keras_nm_cli import main

SIZES = {"train": 30, "validation": 5, "test": 5, "long": 5}


@pytest.fixture(scope="module", autouse=True)
def _small_splits():
    splits = MappingProxyType(
        {
            name: dataclasses.replace(split, num_examples=SIZES[name])
            for name, split in SPLITS.items()
        }
    )
    tasks = {name: dataclasses.replace(spec, splits=splits) for name, spec in TASKS.items()}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(datasets, "TASKS", MappingProxyType(tasks))
        yield


class _Conformance(tfds.testing.DatasetBuilderTestCase):
    SPLITS = SIZES
    # There are only so many of the shortest examples.
    OVERLAPPING_SPLITS = list(SIZES)  # noqa: RUF012
    EXAMPLE_DIR = os.path.dirname(__file__)  # where the data to be parsed would be

    @classmethod
    def setUpClass(cls):
        configs = cls.DATASET_CLASS.BUILDER_CONFIGS
        cls.BUILDER_CONFIG_NAMES_TO_TEST = [configs[0].name, configs[-1].name]
        super().setUpClass()


class TestNtm(_Conformance):
    DATASET_CLASS = datasets.DATASETS["keras_nm_ntm/copy_len5"]


@pytest.mark.slow
class TestNram(_Conformance):
    DATASET_CLASS = datasets.DATASETS["keras_nm_nram/access_len10"]


@pytest.mark.slow
class TestStack(_Conformance):
    DATASET_CLASS = datasets.DATASETS["keras_nm_stack/anbn_len19"]


del _Conformance  # pytest would run it by itself


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    return tmp_path_factory.mktemp("datasets")


def test_names():
    assert "keras_nm_ntm/copy_len20" in datasets.DATASETS
    assert "keras_nm_nram/walk_bst_len10" in datasets.DATASETS
    assert len(datasets.DATASETS) == sum(len(spec.frozen) for spec in TASKS.values())


# One task of each family and kind of array. `make test-slow` has all of them.
FAST = (
    "ntm/priority_sort",
    "nram/walk_bst",
    "stack/binary_addition",
    "chomsky/odds_first",
)


@pytest.mark.parametrize(
    "task_name",
    [
        name if name in FAST else pytest.param(name, marks=pytest.mark.slow)
        for name in TASKS
    ],
)
def test_examples_are_those_of_the_pipeline(task_name, data_dir):
    spec = TASKS[task_name]
    family, task_of_family = task_name.split("/")
    max_length = max(spec.frozen)
    name = f"keras_nm_{family}/{task_of_family}_len{max_length}"
    splits = tfds.load(name, data_dir=data_dir)
    assert list(splits) == list(SIZES)
    arrays = (spec.x.name, spec.y.name, spec.sample_weight.name)
    for split, data in splits.items():
        examples = list(data.as_numpy_iterator())
        assert len(examples) == SIZES[split]
        # In other batches than they were made in.
        task = spec.for_split(split, max_length)
        batch = sampled(task, SIZES[split], split=split)
        for example, *expected in zip(examples, *batch, strict=True):
            end = None
            if family != "nram":
                end = len(example[spec.sample_weight.name])
                assert example[spec.sample_weight.name][-1] == 1
                assert not any(array[end:].any() for array in expected)
            for array_name, array in zip(arrays, expected, strict=True):
                assert example[array_name].dtype == array.dtype
                np.testing.assert_array_equal(example[array_name], array[:end])


def test_supervised_and_information(data_dir):
    name = "keras_nm_ntm/copy_len20"
    data, info = tfds.load(
        name, split="train", data_dir=data_dir, as_supervised=True, with_info=True
    )
    x, y, sample_weight = next(iter(data))
    assert x.shape[1:] == (9,)
    assert y.shape[1:] == (8,)
    assert sample_weight.shape == x.shape[:1]
    assert "`long` (5 examples of 21 to 120 vectors)" in info.description
    assert "Graves et al. 2014, section 4.1" in info.description
    assert "Graves, Alex" in info.citation
    assert str(info.version) == "1.0.0"
    assert info.release_notes["1.0.0"]


def test_shuffled_files_hold_the_same_examples(data_dir):
    name = "keras_nm_nram/access_len10"
    ordered = tfds.load(name, split="train", data_dir=data_dir)
    config = tfds.ReadConfig(shuffle_seed=1)
    for options in ({}, {"read_config": config}):
        options["shuffle_files"] = True
        shuffled = tfds.load(name, split="train", data_dir=data_dir, **options)
        first, second = (
            sorted(example["tape"].tobytes() for example in data.as_numpy_iterator())
            for data in (ordered, shuffled)
        )
        assert first == second
    assert config.enable_ordering_guard  # the caller's own object is left alone


def test_build_writes_once_and_cleans_up(tmp_path):
    name = "keras_nm_nram/access_len10"
    left_over = tmp_path / name / "incomplete.ABCDEF_1.0.0"
    left_over.mkdir(parents=True)
    (left_over / "file").write_text("half")
    path = datasets.build(name, tmp_path)
    assert path == tmp_path / name / "1.0.0"
    assert not left_over.exists()
    written = {file: file.stat().st_mtime_ns for file in path.iterdir()}
    assert datasets.build(name, tmp_path) == path
    assert {file: file.stat().st_mtime_ns for file in path.iterdir()} == written
    builder = datasets.DATASETS[name](config="access_len10", data_dir=tmp_path)
    again = tfds.download.GenerateMode.REUSE_CACHE_IF_EXISTS
    config = tfds.download.DownloadConfig(download_mode=again)
    builder.download_and_prepare(download_config=config)
    assert {file: file.stat().st_mtime_ns for file in path.iterdir()} != written


def test_two_builds_at_once_are_refused(tmp_path):
    name = "keras_nm_nram/access_len10"
    with (
        locked(tmp_path / name, ValueError()),
        pytest.raises(ValueError, match="Another process is writing"),
    ):
        datasets.build(name, tmp_path)
    with (
        locked(tmp_path / name, ValueError()),
        pytest.raises(ValueError, match="Another process is writing"),
    ):
        tfds.load(name, data_dir=tmp_path)
    datasets.build(name, tmp_path)
    again = tfds.download.DownloadConfig(
        download_mode=tfds.GenerateMode.REUSE_CACHE_IF_EXISTS
    )
    with locked(tmp_path / name, ValueError()):
        builder = tfds.builder(name, data_dir=tmp_path)
        builder.download_and_prepare()  # there is nothing to write
        with pytest.raises(ValueError, match="Another process is writing"):
            builder.download_and_prepare(download_config=again)


@pytest.mark.slow
def test_a_killed_build_is_run_again(tmp_path):
    """At its real size, which takes a while to write."""
    name = "keras_nm_nram/walk_bst_len10"
    command = [sys.executable, "-m", "keras_nm_cli", "data", "build", name]
    command += ["--data-dir", str(tmp_path)]
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 120
    while not (left_over := list((tmp_path / name).glob("incomplete.*"))):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert left_over[0].exists(), "killed before it was complete"
    assert not (tmp_path / name / "1.0.0").exists()
    datasets.build(name, tmp_path)
    assert not left_over[0].exists()
    data = tfds.load(name, data_dir=tmp_path)
    assert {split: len(examples) for split, examples in data.items()} == SIZES


def test_command_line(tmp_path, capsys):
    name = "keras_nm_ntm/copy_len5"
    assert main(["data", "build", name, "--data-dir", str(tmp_path)]) == 0
    captured = capsys.readouterr()
    assert f"Written to {tmp_path / name / '1.0.0'}" in captured.out
    assert "examples/s" in captured.err, "a progress bar"
    assert main(["data", "build", "copy", "--data-dir", str(tmp_path)]) == 2
    line = capsys.readouterr().err
    assert "must be one of 'keras_nm_ntm/copy_len5', " in line
    assert "Received: name='copy'" in line
    assert main(["data", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(datasets.DATASETS)
    assert lines[2].endswith("Trained on up to 20 vectors, tested on up to 120.")
