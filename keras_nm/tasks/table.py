"""The fifteen tasks, declared: what everything that works on any task reads."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import keras

from keras_nm.arguments import check_choice
from keras_nm.tasks import nram, ntm
from keras_nm.tasks.task import SPLITS, Split, Task


@dataclass(frozen=True)
class Array:
    """One of the three arrays of a batch.

    Args:
        name: String.
        shape: The axes after the batch axis: an attribute of the task, where all examples
            have the same size, such as `"input_size"`, or another name.
        dtype: String.
    """

    name: str
    shape: tuple[str, ...]
    dtype: str


@dataclass(frozen=True)
class Paper:
    """Where tasks come from.

    Args:
        name: Authors and year.
        url: Its address.
        citation: BibTeX.
    """

    name: str
    url: str
    citation: str


@dataclass(frozen=True, kw_only=True)
class TaskSpec:
    """What is known of a task.

    Args:
        make: The class, of which `make(max_length=...)` makes a task.
        paper: The `Paper`.
        section: Where in the paper.
        length: What the length, which is how hard an example is, counts.
        lengths: Where models are measured, in and beyond the training of the paper.
        frozen: For each length to which frozen datasets train, the longest length that
            they test.
        x: What a model takes.
        y: What it is to answer.
        sample_weight: What counts as answer.
        loss: Registered name of the loss.
        metrics: Registered names of the metrics, which take `sample_weight`. The first is
            the one that training is to bring down.
        metric_options: Attributes of the task that are arguments of a metric, by the
            metric's name.
        splits: Each split's source of random numbers and size.
    """

    make: type[Task]
    paper: Paper
    section: str
    length: str
    lengths: tuple[int, ...]
    frozen: Mapping[int, int]
    x: Array
    y: Array
    sample_weight: Array
    loss: str
    metrics: tuple[str, ...]
    metric_options: Mapping[str, tuple[str, ...]] = field(
        default_factory=lambda: MappingProxyType({})
    )
    splits: Mapping[str, Split] = field(default_factory=lambda: SPLITS)

    def for_split(self, split, max_length):
        """Makes the task of one split of a frozen dataset.

        Args:
            split: Key of `splits`.
            max_length: Key of `frozen`.

        Returns:
            A `Task`.

        Raises:
            ValueError: For unknown splits and lengths.
        """
        split = self.splits[check_choice("split", split, self.splits)]
        if max_length not in self.frozen:
            raise ValueError(
                f"`max_length` must be one of {', '.join(map(str, self.frozen))}. "
                f"Received: max_length={max_length!r}"
            )
        task = self.make(max_length=max_length)
        if split.beyond_training:
            return task.with_lengths(max_length + 1, self.frozen[max_length])
        return task

    def compile_arguments(self, task, num_replicas=None, loss_options=MappingProxyType({})):
        """Makes the loss and the metrics.

        Args:
            task: The `Task`, made by `make`.
            num_replicas: `None`, or that of the `NRAM` layer, for one result per machine.
            loss_options: Arguments of the loss. Defaults to none.

        Returns:
            A dict of `loss` and `weighted_metrics`, for `keras.Model.compile`.
        """
        options = {
            name: {option: getattr(task, option) for option in self.metric_options[name]}
            for name in self.metric_options
        }
        if num_replicas is not None:
            for name in self.metrics:
                options[name] = {**options.get(name, {}), "num_replicas": num_replicas}
        metrics = [_configuration(name, options.get(name, {})) for name in self.metrics]
        return {
            "loss": keras.losses.deserialize(_configuration(self.loss, dict(loss_options))),
            "weighted_metrics": list(map(keras.metrics.deserialize, metrics)),
        }


def _configuration(name, config):
    return {"class_name": name, "registered_name": name, "config": config}


_GRAVES = Paper(
    "Graves et al. 2014",
    "https://arxiv.org/abs/1410.5401",
    """@article{graves2014neural,
  title={Neural Turing Machines},
  author={Graves, Alex and Wayne, Greg and Danihelka, Ivo},
  journal={arXiv preprint arXiv:1410.5401},
  year={2014}
}""",
)

_KURACH = Paper(
    "Kurach et al. 2016",
    "https://arxiv.org/abs/1511.06392",
    """@inproceedings{kurach2016neural,
  title={Neural Random-Access Machines},
  author={Kurach, Karol and Andrychowicz, Marcin and Sutskever, Ilya},
  booktitle={International Conference on Learning Representations},
  year={2016}
}""",
)


def _ntm(make, section, length, lengths, frozen, more_metrics=(), **more):
    return TaskSpec(
        make=make,
        paper=_GRAVES,
        section=section,
        length=length,
        lengths=lengths,
        frozen=MappingProxyType(frozen),
        x=Array("x", ("timesteps", "input_size"), "float32"),
        y=Array("y", ("timesteps", "output_size"), "float32"),
        sample_weight=Array("sample_weight", ("timesteps",), "float32"),
        loss="keras_nm>BitsPerSequenceLoss",
        metrics=(
            "keras_nm>BitsPerSequence",
            "keras_nm>WrongBitsPerSequence",
            "keras_nm>ExactSequences",
            *more_metrics,
        ),
        **more,
    )


def _nram(make, length, lengths, frozen):
    return TaskSpec(
        make=make,
        paper=_KURACH,
        section="4.2 and appendix A",
        length=length,
        lengths=lengths,
        frozen=MappingProxyType(frozen),
        x=Array("tape", ("num_cells",), "int32"),
        y=Array("answer", ("num_cells",), "int32"),
        sample_weight=Array("answer_cells", ("num_cells",), "float32"),
        loss="keras_nm>TapeLoss",
        metrics=("keras_nm>WrongCells", "keras_nm>ExactTapes", "keras_nm>MeanSteps"),
    )


# The last of the lengths in `frozen` is the one that the paper trains to, and the longest
# that is tested is the paper's, where it has one. (Figure 3 of Kurach et al. goes to 50.)
_ROWS = {
    "ntm": (
        _ntm(ntm.Copy, "4.1", "vectors", (10, 20, 30, 50, 120), {5: 30, 10: 60, 20: 120}),
        _ntm(ntm.RepeatCopy, "4.2", "vectors", (5, 10, 20), {5: 10, 10: 20}),
        _ntm(ntm.AssociativeRecall, "4.3", "items", (6, 12, 15, 20), {3: 10, 6: 20}),
        _ntm(
            ntm.DynamicNGrams,
            "4.4",
            "bits",
            (200, 400),
            {50: 100, 200: 400},
            more_metrics=("keras_nm>OptimalBitsPerSequence",),
            metric_options=MappingProxyType(
                {"keras_nm>OptimalBitsPerSequence": ("order",)}
            ),
        ),
        _ntm(ntm.PrioritySort, "4.5", "vectors", (20, 40), {5: 10, 10: 20, 20: 40}),
    ),
    "nram": (
        _nram(nram.Access, "values", (20, 50), {10: 50, 20: 50}),
        _nram(nram.Increment, "values", (15, 50), {10: 50, 15: 50}),
        _nram(nram.Copy, "values", (15, 50), {10: 50, 15: 50}),
        _nram(nram.Reverse, "values", (15, 50), {10: 50, 15: 50}),
        _nram(nram.Swap, "values", (20, 50), {10: 50, 20: 50}),
        _nram(nram.Permutation, "values", (6, 50), {6: 50}),
        _nram(nram.ListK, "nodes", (10, 50), {5: 50, 10: 50}),
        _nram(nram.ListSearch, "nodes", (6, 50), {6: 50}),
        _nram(nram.Merge, "values of both arrays", (10, 50), {5: 50, 10: 50}),
        _nram(nram.WalkBST, "nodes", (10, 50), {5: 50, 10: 50}),
    ),
}

# By name: the family, the machine that the paper proposes, and the task.
TASKS = MappingProxyType(
    {
        f"{family}/{spec.make.name}": spec
        for family, specs in _ROWS.items()
        for spec in specs
    }
)
