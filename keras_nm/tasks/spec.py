"""What is declared of each task, for all code that works with any task."""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import keras

from keras_nm.arguments import check_choice
from keras_nm.metrics import Measure
from keras_nm.tasks.papers import Paper
from keras_nm.tasks.task import SPLITS, Split, Task


@dataclass(frozen=True)
class Array:
    """One of the three arrays of a batch.

    Args:
        name: String.
        shape: The axes after the batch axis: `None` for an axis whose size depends on the
            examples, or the name of the task's attribute that holds the size, such as
            `"input_size"`.
        dtype: String.
    """

    name: str
    shape: tuple[str | None, ...]
    dtype: str

    def sizes(self, task):
        """Returns the sizes of the axes for a task, with `None` where they may differ."""
        return tuple(None if axis is None else getattr(task, axis) for axis in self.shape)


@dataclass(frozen=True, kw_only=True)
class TaskSpec:
    """The declaration of a task.

    Args:
        family: The first part of the task's name. The tasks of one paper are a family.
        make: The task's class. `make(max_length=...)` makes a task.
        paper: The `Paper` that the task comes from.
        section: The section of the paper.
        length: The unit of the length, such as `"vectors"`. The length of an example says
            how hard it is.
        examples: A word for the examples, such as `"sequences"`.
        lengths: The lengths at which models are measured, within and beyond the paper's
            training lengths.
        frozen: Maps each maximum training length of the frozen datasets to the longest
            length that they test.
        x: The input of a model.
        y: The right answer.
        sample_weight: The steps or cells that count as the answer.
        loss: Class of the loss. Its attribute `activation` names the Keras activation that
            makes probabilities of a model's outputs, such as `"sigmoid"`, or is `None`.
        loss_attributes: The attributes of the task that are arguments of the loss.
        metrics: Dict from the metrics' names to their classes, which take `sample_weight`.
        metric_options: Maps the name of a metric to the attributes of the task that are
            arguments of the metric.
        goal: The `Measure` that training brings down, one of the metrics.
        compared: Each `Measure` by which models are compared at all lengths.
        typed: How people type an example on a page: `"matrix"` (default), one time step
            per line, or `"vectors"`, the data without the delimiter and the silent steps.
        splits: The source of random numbers and the size of each split.
    """

    family: str
    make: type[Task]
    paper: Paper
    section: str
    length: str
    examples: str
    lengths: tuple[int, ...]
    frozen: Mapping[int, int]
    x: Array
    y: Array
    sample_weight: Array
    loss: type[keras.losses.Loss]
    loss_attributes: tuple[str, ...] = ()
    metrics: Mapping[str, type[keras.metrics.Metric]]
    metric_options: Mapping[str, tuple[str, ...]] = field(
        default_factory=lambda: MappingProxyType({})
    )
    goal: Measure
    compared: tuple[Measure, ...]
    typed: str = "matrix"
    splits: Mapping[str, Split] = field(default_factory=lambda: SPLITS)

    @property
    def name(self):
        """The task's key in `TASKS`."""
        return f"{self.family}/{self.make.name}"

    @property
    def activation(self):
        """The Keras activation that makes probabilities of a model's outputs."""
        return self.loss.activation

    @property
    def summary(self):
        """The first line of the docstring of the task's class."""
        return inspect.getdoc(self.make).splitlines()[0]

    @property
    def explanation(self):
        """The docstring of the task's class without summary, arguments and examples."""
        text = inspect.getdoc(self.make).partition("\n\n")[2]
        for heading in ("\n\nArgs:", "\n\nRaises:", "\n\nExample:"):
            text = text.partition(heading)[0]
        return text

    def for_split(self, split, max_length):
        """Makes the task of one split of a frozen dataset.

        Args:
            split: Key of `splits`.
            max_length: Key of `frozen`.

        Returns:
            A `Task`.

        Raises:
            ValueError: For an unknown split or length.
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
            num_replicas: `None`, or the `num_replicas` of the `NRAM` layer, for one result
                per machine.
            loss_options: Arguments of the loss. Defaults to none.

        Returns:
            A dict of `loss` and `weighted_metrics`, for `keras.Model.compile`.
        """
        options = {name: {"name": name} for name in self.metrics}
        for name, attributes in self.metric_options.items():
            options[name] |= {option: getattr(task, option) for option in attributes}
        if num_replicas is not None:
            for name in self.metrics:
                options[name]["num_replicas"] = num_replicas
        arguments = {name: getattr(task, name) for name in self.loss_attributes}
        return {
            "loss": self.loss(**arguments, **loss_options),
            "weighted_metrics": [
                metric(**options[name]) for name, metric in self.metrics.items()
            ],
        }
