"""Declares the tasks for all code that works with any task."""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import keras

from keras_nm import metrics
from keras_nm.arguments import check_choice
from keras_nm.metrics import Measure
from keras_nm.tasks import chomsky, dnc, neural_gpu, npi, nram, ntm, stack
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


@dataclass(frozen=True)
class Paper:
    """The source of some tasks.

    Args:
        name: Authors and year.
        url: The paper's address.
        citation: BibTeX.
    """

    name: str
    url: str
    citation: str


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

_JOULIN = Paper(
    "Joulin and Mikolov 2015",
    "https://arxiv.org/abs/1503.01007",
    """@inproceedings{joulin2015inferring,
  title={Inferring Algorithmic Patterns with Stack-Augmented Recurrent Nets},
  author={Joulin, Armand and Mikolov, Tomas},
  booktitle={Advances in Neural Information Processing Systems},
  year={2015}
}""",
)

_REED = Paper(
    "Reed and de Freitas 2016",
    "https://arxiv.org/abs/1511.06279",
    """@inproceedings{reed2016neural,
  title={Neural Programmer-Interpreters},
  author={Reed, Scott and de Freitas, Nando},
  booktitle={International Conference on Learning Representations},
  year={2016}
}""",
)

_KAISER = Paper(
    "Kaiser and Sutskever 2016",
    "https://arxiv.org/abs/1511.08228",
    """@inproceedings{kaiser2016neural,
  title={Neural {GPU}s Learn Algorithms},
  author={Kaiser, {\\L}ukasz and Sutskever, Ilya},
  booktitle={International Conference on Learning Representations},
  year={2016}
}""",
)

_DELETANG = Paper(
    "Delétang et al. 2023",
    "https://arxiv.org/abs/2207.02098",
    """@inproceedings{deletang2023neural,
  title={Neural Networks and the {Chomsky} Hierarchy},
  author={Del{\\'e}tang, Gr{\\'e}goire and Ruoss, Anian and Grau-Moya, Jordi
    and Genewein, Tim and Wenliang, Li Kevin and Catt, Elliot and Cundy, Chris
    and Hutter, Marcus and Legg, Shane and Veness, Joel and Ortega, Pedro A.},
  booktitle={International Conference on Learning Representations},
  year={2023}
}""",
)


_CSORDAS = Paper(
    "Csordás and Schmidhuber 2019",
    "https://arxiv.org/abs/1904.10278",
    """@inproceedings{csordas2019improving,
  title={Improving Differentiable Neural Computers Through Memory Masking,
    De-allocation, and Link Distribution Sharpness Control},
  author={Csord{\\'a}s, R{\\'o}bert and Schmidhuber, J{\\"u}rgen},
  booktitle={International Conference on Learning Representations},
  year={2019}
}""",
)


def _bits(family, make, paper, section, length, lengths, frozen, **more):
    return TaskSpec(
        family=family,
        make=make,
        paper=paper,
        section=section,
        length=length,
        examples="sequences",
        lengths=lengths,
        frozen=MappingProxyType(frozen),
        x=Array("x", (None, "input_size"), "float32"),
        y=Array("y", (None, "output_size"), "float32"),
        sample_weight=Array("sample_weight", (None,), "float32"),
        loss=metrics.BitsPerSequenceLoss,
        goal=Measure(
            name="bits_per_sequence", words="bits per sequence", solved_below=0.05
        ),
        **{"metrics": _BIT_METRICS, "compared": (_WRONG_BITS,), **more},
    )


def _ntm(make, section, length, lengths, frozen, **more):
    return _bits("ntm", make, _GRAVES, section, length, lengths, frozen, **more)


def _dnc(make, length, lengths, frozen):
    return _bits("dnc", make, _CSORDAS, "on experiments", length, lengths, frozen)


_BIT_METRICS = MappingProxyType(
    {
        "bits_per_sequence": metrics.BitsPerSequence,
        "wrong_bits_per_sequence": metrics.WrongBitsPerSequence,
        "exact_sequences": metrics.ExactSequences,
    }
)

_WRONG_BITS = Measure(name="wrong_bits_per_sequence", words="wrong bits per sequence")

# No model can predict random bits without errors.
_BITS_ABOVE_OPTIMUM = Measure(
    name="bits_per_sequence",
    words="bits per sequence above the optimum",
    minus="optimal_bits_per_sequence",
    perfect=None,
)


def _nram(make, length, lengths, frozen):
    wrong_cells = Measure(
        name="wrong_cells", words="share of wrong answer cells", solved_below=1e-6
    )
    return TaskSpec(
        family="nram",
        make=make,
        paper=_KURACH,
        section="4.2 and appendix A",
        length=length,
        examples="tapes",
        lengths=lengths,
        frozen=MappingProxyType(frozen),
        x=Array("tape", (None,), "int32"),
        y=Array("answer", (None,), "int32"),
        sample_weight=Array("answer_cells", (None,), "float32"),
        loss=metrics.TapeLoss,
        metrics=MappingProxyType(
            {
                "wrong_cells": metrics.WrongCells,
                "exact_tapes": metrics.ExactTapes,
                "mean_steps": metrics.MeanSteps,
            }
        ),
        goal=wrong_cells,
        compared=(wrong_cells,),
    )


def _tokens(family, make, paper, section, length, lengths, frozen):
    wrong_tokens = Measure(
        name="wrong_tokens", words="share of wrong tokens", solved_below=1e-4
    )
    return TaskSpec(
        family=family,
        make=make,
        paper=paper,
        section=section,
        length=length,
        examples="sequences",
        lengths=lengths,
        frozen=MappingProxyType(frozen),
        x=Array("x", (None, "input_size"), "float32"),
        y=Array("y", (None,), "int32"),
        sample_weight=Array("sample_weight", (None,), "float32"),
        loss=metrics.TokenLoss,
        metrics=MappingProxyType(
            {
                "wrong_tokens": metrics.WrongTokens,
                "exact_answers": metrics.ExactAnswers,
            }
        ),
        metric_options=MappingProxyType(
            {"wrong_tokens": ("end_token",), "exact_answers": ("end_token",)}
        ),
        goal=wrong_tokens,
        compared=(wrong_tokens,),
    )


def _stack(make, length, section="2 and 5"):
    return _tokens("stack", make, _JOULIN, section, length, (19, 40, 60), {19: 60})


def _chomsky(make):
    section = "4 and appendix A"
    lengths = (40, 100, 500)
    return _tokens("chomsky", make, _DELETANG, section, "tokens", lengths, {40: 100})


def _npi(make, length, lengths, frozen):
    wrong_calls = Measure(
        name="wrong_calls", words="share of calls with a wrong step", solved_below=1e-4
    )
    kinds = {"wrong_calls": metrics.WrongCalls, "wrong_steps": metrics.WrongSteps}
    sizes = ("argument_sizes",)
    return TaskSpec(
        family="npi",
        make=make,
        paper=_REED,
        section="4.1",
        length=length,
        examples="calls",
        lengths=lengths,
        frozen=MappingProxyType(frozen),
        x=Array("x", (None, "input_size"), "float32"),
        y=Array("y", (None, "num_choices"), "int32"),
        sample_weight=Array("sample_weight", (None,), "float32"),
        loss=metrics.CallLoss,
        loss_attributes=sizes,
        metrics=MappingProxyType(kinds),
        metric_options=MappingProxyType(dict.fromkeys(kinds, sizes)),
        goal=wrong_calls,
        compared=(wrong_calls,),
    )


def _neural_gpu(make, lengths=(41, 101, 401)):
    frozen = {lengths[0]: lengths[-1]}
    return _tokens("neural_gpu", make, _KAISER, "3", "positions", lengths, frozen)


# The last length in `frozen` is the longest that the paper trains on. The longest tested
# length is the paper's, where it has one. (Figure 3 of Kurach et al. goes to 50.)
_ROWS = (
    _ntm(
        ntm.Copy,
        "4.1",
        "vectors",
        (10, 20, 30, 50, 120),
        {5: 30, 10: 60, 20: 120},
        typed="vectors",
    ),
    _ntm(ntm.RepeatCopy, "4.2", "vectors", (5, 10, 20), {5: 10, 10: 20}),
    _ntm(ntm.AssociativeRecall, "4.3", "items", (6, 12, 15, 20), {3: 10, 6: 20}),
    _ntm(
        ntm.DynamicNGrams,
        "4.4",
        "bits",
        (200, 400),
        {50: 100, 200: 400},
        metrics=MappingProxyType(
            {
                **_BIT_METRICS,
                "optimal_bits_per_sequence": metrics.OptimalBitsPerSequence,
            }
        ),
        metric_options=MappingProxyType({"optimal_bits_per_sequence": ("order",)}),
        compared=(_BITS_ABOVE_OPTIMUM,),
    ),
    _ntm(ntm.PrioritySort, "4.5", "vectors", (20, 40), {5: 10, 10: 20, 20: 40}),
    _dnc(dnc.SeriesCopy, "copies", (4, 8, 16), {3: 8, 8: 16}),
    _dnc(dnc.KeyValue, "pairs", (8, 16, 32), {8: 16, 16: 32}),
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
    _stack(stack.AnBn, "letters a"),
    _stack(stack.AnBnCn, "letters a"),
    _stack(stack.AnBnCnDn, "letters a"),
    _stack(stack.AnB2n, "letters a"),
    _stack(stack.AnBmCnm, "letters a and b"),
    _stack(stack.AnBkCnk, "letters a and b"),
    _stack(stack.ReverseMemorization, "symbols"),
    _stack(stack.BinaryAddition, "digits of both numbers", section="5"),
    # In the paper's order, from regular to context-sensitive languages.
    _chomsky(chomsky.EvenPairs),
    _chomsky(chomsky.ModularArithmetic),
    _chomsky(chomsky.ParityCheck),
    _chomsky(chomsky.CycleNavigation),
    _chomsky(chomsky.StackManipulation),
    _chomsky(chomsky.ReverseString),
    _chomsky(chomsky.ModularArithmeticBrackets),
    _chomsky(chomsky.SolveEquation),
    _chomsky(chomsky.DuplicateString),
    _chomsky(chomsky.MissingDuplicateString),
    _chomsky(chomsky.OddsFirst),
    _chomsky(chomsky.BinaryAddition),
    _chomsky(chomsky.BinaryMultiplication),
    _chomsky(chomsky.ComputeSqrt),
    _chomsky(chomsky.BucketSort),
    _neural_gpu(neural_gpu.BinaryAddition),
    _neural_gpu(neural_gpu.BinaryMultiplication),
    _neural_gpu(neural_gpu.QuaternaryMultiplication),
    _neural_gpu(neural_gpu.Reverse),
    _neural_gpu(neural_gpu.Duplicate, (40, 100, 400)),
    _neural_gpu(neural_gpu.Sort),
    _npi(npi.Addition, "digits", (20, 100), {20: 100}),
    _npi(npi.BubbleSort, "digits", (20, 60), {20: 60}),
)

# From the name, which is family/task, to the task.
TASKS = MappingProxyType({spec.name: spec for spec in _ROWS})
