"""The declared table against the pipelines, the models and the documentation."""

import dataclasses
import inspect
from pathlib import Path

import keras
import numpy as np
import pytest
from eager_sampling import sampled

from keras_nm.layers import NRAM, NTM
from keras_nm.tasks import (
    SPLITS,
    TASKS,
    SequenceTask,
    chomsky,
    dnc,
    neural_gpu,
    npi,
    nram,
    ntm,
    stack,
)

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "tasks.md"


def test_all_tasks_are_in_the_table():
    assert list(TASKS) == [
        "ntm/copy",
        "ntm/repeat_copy",
        "ntm/associative_recall",
        "ntm/dynamic_ngrams",
        "ntm/priority_sort",
        "dnc/series_copy",
        "dnc/key_value",
        "nram/access",
        "nram/increment",
        "nram/copy",
        "nram/reverse",
        "nram/swap",
        "nram/permutation",
        "nram/list_k",
        "nram/list_search",
        "nram/merge",
        "nram/walk_bst",
        "stack/anbn",
        "stack/anbncn",
        "stack/anbncndn",
        "stack/anb2n",
        "stack/anbmcnm",
        "stack/anbkcnk",
        "stack/reverse_memorization",
        "stack/binary_addition",
        "chomsky/even_pairs",
        "chomsky/modular_arithmetic",
        "chomsky/parity_check",
        "chomsky/cycle_navigation",
        "chomsky/stack_manipulation",
        "chomsky/reverse_string",
        "chomsky/modular_arithmetic_brackets",
        "chomsky/solve_equation",
        "chomsky/duplicate_string",
        "chomsky/missing_duplicate_string",
        "chomsky/odds_first",
        "chomsky/binary_addition",
        "chomsky/binary_multiplication",
        "chomsky/compute_sqrt",
        "chomsky/bucket_sort",
        "neural_gpu/binary_addition",
        "neural_gpu/binary_multiplication",
        "neural_gpu/quaternary_multiplication",
        "neural_gpu/reverse",
        "neural_gpu/duplicate",
        "neural_gpu/sort",
        "npi/addition",
        "npi/bubble_sort",
    ]
    made = {spec.make for spec in TASKS.values()}
    assert made == {
        value
        for module in (ntm, dnc, nram, stack, chomsky, neural_gpu, npi)
        for name, value in vars(module).items()
        if name in module.__all__ and hasattr(value, "name")
    }


def test_nothing_can_be_changed():
    with pytest.raises(TypeError):
        TASKS["ntm/copy"] = None
    with pytest.raises(dataclasses.FrozenInstanceError):
        TASKS["ntm/copy"].loss = None
    with pytest.raises(TypeError):
        TASKS["ntm/copy"].frozen[7] = 9
    with pytest.raises(TypeError):
        TASKS["ntm/copy"].splits["exam"] = None


@pytest.mark.parametrize("name", TASKS)
def test_examples_are_as_declared(name):
    spec = TASKS[name]
    task = spec.make(max_length=min(spec.frozen))
    batch = sampled(task, 3)
    for array, made in zip((spec.x, spec.y, spec.sample_weight), batch, strict=True):
        assert made.dtype.name == array.dtype
        for declared, size in zip(array.sizes(task), made.shape[1:], strict=True):
            assert declared in (None, size)
    # All three have the same examples, and the same time steps or cells.
    assert len({made.shape[:2] for made in batch}) == 1


# All tapes have the same loss and metrics, so one task on tapes is enough. The same is true
# of tokens, with an end token and without one.
ONE_OF_A_KIND = (
    "dnc/series_copy",
    "nram/access",
    "stack/anbn",
    "chomsky/parity_check",
    "chomsky/stack_manipulation",
    "neural_gpu/binary_addition",
    "npi/addition",
)


@pytest.mark.parametrize(
    "name", [x for x in TASKS if x.startswith("ntm/") or x in ONE_OF_A_KIND]
)
def test_a_model_is_trained_on_the_pipeline(name):
    spec = TASKS[name]
    task = spec.make(max_length=max(2, spec.make.smallest_length))
    if isinstance(task, SequenceTask):
        x = keras.Input((None, task.input_size))
        layer = NTM(task.output_size, memory_shape=(4, 3), return_sequences=True)
    else:
        x = keras.Input((None,), dtype="int32")
        layer = NRAM(2, num_steps=1, gates=["READ", "WRITE"])
    model = keras.Model(x, layer(x))
    # A batch is faster without a graph. In a graph are the losses and metrics of the first
    # task of each family, and the metric of N-grams.
    in_graph = name in (
        "ntm/copy",
        "ntm/dynamic_ngrams",
        "nram/access",
        "chomsky/parity_check",
    )
    model.compile("sgd", **spec.compile_arguments(task), run_eagerly=not in_graph)
    history = model.fit(task.dataset(4), steps_per_epoch=1, verbose=0, shuffle=False)
    metrics = [metric.name for metric in spec.compile_arguments(task)["weighted_metrics"]]
    assert set(history.history) == {*metrics, "loss"}


@pytest.mark.parametrize("name", TASKS)
def test_the_activation_makes_the_probabilities_whose_logs_are_the_loss(name, rng):
    spec = TASKS[name]
    if spec.activation is None:
        assert name.startswith(("nram/", "npi/"))
        return
    task = spec.make()
    logits = rng.normal(size=(2, 5, task.output_size)).astype("float32")
    probabilities = np.asarray(keras.activations.get(spec.activation)(logits))
    if name.startswith(("ntm/", "dnc/")):
        y = rng.integers(0, 2, logits.shape)
        of_answer = np.where(y == 1, probabilities, 1 - probabilities)
        expected = -np.log2(of_answer).sum() / 2  # bits per sequence
    else:
        y = rng.integers(0, task.output_size, (2, 5))
        of_answer = np.take_along_axis(probabilities, y[..., None], axis=-1)
        expected = -np.log(of_answer).mean()  # nats per token
    assert float(spec.loss()(y, logits)) == pytest.approx(expected, rel=1e-5)


def test_the_optimal_predictor_is_of_the_tasks_order():
    spec = TASKS["ntm/dynamic_ngrams"]
    metrics = spec.compile_arguments(spec.make(order=3))["weighted_metrics"]
    assert metrics[-1].get_config()["order"] == 3


@pytest.mark.parametrize("name", TASKS)
def test_splits(name):
    spec = TASKS[name]
    assert spec.splits == SPLITS
    assert len({split.stream for split in spec.splits.values()}) == len(spec.splits)
    for max_length, longest in spec.frozen.items():
        task = spec.make(max_length=max_length)
        for split in ("train", "validation", "test"):
            assert spec.for_split(split, max_length) == task
        beyond = spec.for_split("long", max_length)
        assert beyond == task.with_lengths(max_length + 1, longest)
        assert beyond.min_length > max_length
        assert beyond.max_length == longest
    with pytest.raises(ValueError, match="'train', 'validation', 'test', 'long'"):
        spec.for_split("exam", max_length)
    with pytest.raises(ValueError, match=r"`max_length` must be one of .* max_length=7"):
        spec.for_split("train", 7)


@pytest.mark.parametrize("name", TASKS)
def test_the_guide_has_the_table(name):
    spec = TASKS[name]
    longest = max(spec.frozen)
    row = (
        f"| `{name}` | `{name.split('/')[0]}.{spec.make.__name__}` | "
        f"{inspect.getdoc(spec.make).splitlines()[0]} | "
        f"{spec.length} | {longest} | {spec.frozen[longest]} |"
    )
    assert row in GUIDE.read_text().splitlines()
