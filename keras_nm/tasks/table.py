"""The table of all tasks."""

from types import MappingProxyType

from keras_nm import metrics
from keras_nm.metrics import Measure
from keras_nm.tasks import chomsky, dnc, neural_gpu, npi, nram, ntm, papers, stack
from keras_nm.tasks.spec import Array, TaskSpec


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
    return _bits("ntm", make, papers.GRAVES, section, length, lengths, frozen, **more)


def _dnc(make, length, lengths, frozen):
    return _bits("dnc", make, papers.CSORDAS, "4", length, lengths, frozen)


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
        paper=papers.KURACH,
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
    return _tokens("stack", make, papers.JOULIN, section, length, (19, 40, 60), {19: 60})


def _chomsky(make):
    section = "4 and appendix A.3"
    lengths = (40, 100, 500)
    return _tokens("chomsky", make, papers.DELETANG, section, "tokens", lengths, {40: 100})


def _npi(make, length, lengths, frozen):
    wrong_calls = Measure(
        name="wrong_calls", words="share of calls with a wrong step", solved_below=1e-4
    )
    kinds = {"wrong_calls": metrics.WrongCalls, "wrong_steps": metrics.WrongSteps}
    sizes = ("argument_sizes",)
    return TaskSpec(
        family="npi",
        make=make,
        paper=papers.REED,
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


def _neural_gpu(make, section, lengths=(41, 101, 401)):
    frozen = {lengths[0]: lengths[-1]}
    return _tokens("neural_gpu", make, papers.KAISER, section, "positions", lengths, frozen)


# The last length in `frozen` is the longest that the paper trains on. The longest tested
# length is the paper's, where it has one that is not too long for a file. (Figure 3 of
# Kurach et al. goes to 50.)
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
    _neural_gpu(neural_gpu.BinaryAddition, "3.1"),
    _neural_gpu(neural_gpu.BinaryMultiplication, "3.1"),
    _neural_gpu(neural_gpu.QuaternaryMultiplication, "3.1"),
    _neural_gpu(neural_gpu.Reverse, "3.2"),
    _neural_gpu(neural_gpu.Duplicate, "3.2", (40, 100, 400)),
    _neural_gpu(neural_gpu.Sort, "3.2"),
    _npi(npi.Addition, "digits", (20, 100), {20: 100}),
    _npi(npi.BubbleSort, "digits", (20, 60), {20: 60}),
)

# From the name, which is family/task, to the task.
TASKS = MappingProxyType({spec.name: spec for spec in _ROWS})
