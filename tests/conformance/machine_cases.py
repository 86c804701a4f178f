"""How the tests drive every machine: the layers, what goes in, and what they can learn.

A case makes one layer. Tests of what all machines must do take the fixture `case`. The
decorators below choose among the cases.

Where it does not matter how weights are updated, tests do it with SGD. It has no variables
of its own. Keras makes those of other optimizers while it traces the first step, and must
then trace the step again.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import keras
import numpy as np
import pytest
import toy_machine

from keras_nm.layers import (
    DNC,
    NPI,
    NRAM,
    NTM,
    ChainedCell,
    NeuralGPU,
    StackRNN,
    TapeRNN,
)
from keras_nm.layers.nram import split_outputs
from keras_nm.training import TapeLoss

FEATURES = 6
SYMBOLS = 4
# Of a sequence the steps, of a tape the cells.
BATCH, SIZE = 4, 5
STEPS = 3
# Few, because every gate takes its time to compile.
GATES = ["READ", "ONE", "ADD", "WRITE"]


def lstm_ntm(**options):
    return NTM(5, (9, 4), **{"controller": keras.layers.LSTMCell(8), **options})


def dense_ntm(**options):
    defaults = {
        "controller": keras.layers.Dense(8, activation="tanh"),
        "num_read_heads": 2,
        "num_write_heads": 3,
        "step_order": "write_first",
        "initial_weighting": "learned",
        "key_strength_bias": 4.0,
    }
    return NTM(5, (9, 4), **{**defaults, **options})


def content_ntm(**options):
    cells = [keras.layers.LSTMCell(8), keras.layers.GRUCell(7)]
    defaults = {
        "controller": keras.layers.StackedRNNCells(cells),
        "addressing": "content",
        "initial_memory": "learned",
    }
    return NTM(5, (9, 4), **{**defaults, **options})


def lstm_dnc(**options):
    return DNC(5, (9, 4), **{"controller": keras.layers.LSTMCell(8), **options})


def dense_dnc(**options):
    defaults = {
        "controller": keras.layers.Dense(8, activation="tanh"),
        "num_read_heads": 2,
        "num_write_heads": 2,
        "content_mask": True,
        "deallocate_content": True,
        "link_sharpening": True,
        "key_strength_activation": "softplus",
        "usage_gradient": True,
    }
    return DNC(5, (9, 4), **{**defaults, **options})


def unlinked_dnc(**options):
    defaults = {
        "controller": keras.layers.GRUCell(8),
        "num_read_heads": 3,
        "temporal_links": False,
        "key_activation": "tanh",
        "write_activation": "tanh",
        "initial_memory": "constant",
    }
    return DNC(5, (9, 4), **{**defaults, **options})


def stack_rnn(**options):
    return StackRNN(5, (6, 3), num_stacks=2, **options)


def pushed_first(**options):
    defaults = {
        "controller": keras.layers.Dense(8, activation="sigmoid"),
        "no_op": False,
        "read_depth": 2,
        "pushed_value": "controller_output",
        "empty_value": -1.0,
        "memory_order": "push_first",
    }
    return StackRNN(5, (6, 8), **{**defaults, **options})


def tape_rnn(**options):
    return TapeRNN(5, (6, 3), num_tapes=2, **options)


def jumping_tape(**options):
    defaults = {
        "controller": keras.layers.LSTMCell(8),
        "moves": ("right", "jump_left"),
        "length_channel": 0,
        "actions": "straight_through",
        "jumps_write": False,
        "write_units": (),
    }
    return TapeRNN(5, (6, 3), **{**defaults, **options})


def npi(**options):
    defaults = {
        "controller": keras.layers.LSTMCell(8),
        "program_size": 3,
        "key_size": 4,
        "encoder_units": (7,),
    }
    return NPI(2, argument_sizes=(2,), **{**defaults, **options})


def toy(**options):
    return toy_machine.ToyMachine(5, **{"leak": 0.75, **options})


def dense_nram(**options):
    return NRAM(3, **{"num_steps": STEPS, "gates": GATES, **options})


def lstm_nram(**options):
    layers = [keras.layers.Dense(6, activation="relu"), keras.layers.LSTMCell(5)]
    defaults = {"controller": ChainedCell(layers), "gate_repeats": 2}
    return dense_nram(**{**defaults, **options})


def slots_nram(**options):
    return dense_nram(**{"num_slots": 4, **options})


def replicated_nram(**options):
    return dense_nram(**{"num_replicas": 2, **options})


def straight_through_nram(**options):
    defaults = {
        "controller": keras.layers.GRUCell(8),
        "selection": "straight_through",
        "activation_gradient_clip": None,
        "renormalize": False,
        "epsilon": 1e-4,
    }
    return dense_nram(**{**defaults, **options})


def all_gates_nram(**options):
    return NRAM(2, **{"num_steps": 2, **options})


def neural_gpu(**options):
    defaults = {"num_maps": 6, "num_symbols": SYMBOLS, "saturation_weight": 1e-3}
    return NeuralGPU(3, **{**defaults, **options})


def cutoff_gpu(**options):
    defaults = {"width": 2, "cells_per_step": 2, "num_weight_sets": 2, "pull": 0.5}
    return NeuralGPU(3, 6, gate="cutoff", **{**defaults, **options})


@dataclass(frozen=True)
class FromSequences:
    """How the tests drive a layer from (B, T, F) to (B, T, units).

    Args:
        layer: The class of the layer.
        construct: Function from the layer's options to the layer.
        distributions: Names in a trace whose values sum to 1.
    """

    layer: type
    construct: Any
    distributions: tuple = ()
    fewest: ClassVar = 1
    learns: ClassVar = True
    unusual_options: ClassVar = {"go_backwards": True}
    exact_gradients: ClassVar = {}
    call_options: ClassVar = {"mask": np.arange(SIZE) < np.array([[5], [2], [4], [3]])}

    def make(self, **options):
        return self.construct(**{"return_sequences": True, **options})

    def inputs(self, rng, size=SIZE):
        return rng.normal(size=(BATCH, size, FEATURES)).astype("float32")

    def symbolic_inputs(self):
        return keras.Input((None, FEATURES))

    def other_inputs(self, inputs):
        return inputs + 1

    def run_cell(self, rnn, inputs):
        return rnn(inputs)

    def answer(self, outputs):
        return outputs

    def answer_in_trace(self, trace):
        return trace["output"]

    def output_dtype(self, policy):
        return keras.dtype_policies.get(policy).compute_dtype

    def learning_task(self, inputs):
        """A layer, the targets it can learn, and the loss."""
        return self.construct(), np.tanh(inputs[:, 0, :5]), "mse"

    def training_step(self, inputs, outputs):
        """Targets for the layer that `make` makes, and a loss."""
        return outputs + 1, "mse"


@dataclass(frozen=True)
class FromTapes:
    """How the tests drive a layer from (B, M) or (B, M, M) to (B, M, 2 M + 1).

    Args:
        make: Function from the layer's options to the layer.
        layer: The class of the layer.
        fuzzy: Boolean, whether the tapes are distributions.
        fewest: Integer, the smallest batch: replicas share one equally.
        learns: Boolean. One-hot choices write wrong values with an answer's probability
            of exactly 0, whose logarithm, cut off at epsilon, has no gradient.
        distributions: Names in a trace whose values sum to 1.
    """

    make: Any
    layer: type = NRAM
    fuzzy: bool = False
    fewest: int = 1
    learns: bool = True
    distributions: tuple = ("tape", "registers", "outputs", "register_selection")
    unusual_options: ClassVar = {"num_steps": 2, "selection": "discrete"}
    exact_gradients: ClassVar = {"activation_gradient_clip": None}
    call_options: ClassVar = {"num_steps": 2, "selection": "discrete"}

    def inputs(self, rng, size=SIZE):
        tape = rng.integers(0, size, (BATCH, size)).astype("int32")
        if not self.fuzzy:
            return tape
        return (0.7 * np.eye(size)[tape] + 0.3 / size).astype("float32")

    def symbolic_inputs(self):
        if self.fuzzy:
            return keras.Input((None, None))
        return keras.Input((None,), dtype="int32")

    def other_inputs(self, inputs):
        return np.roll(inputs, 1, axis=-1) if self.fuzzy else (inputs + 1) % inputs.shape[1]

    def run_cell(self, rnn, inputs):
        must_stop = np.zeros((len(inputs), STEPS, 1), "float32")
        must_stop[:, -1] = 1
        return rnn(must_stop, initial_state=rnn.cell.initial_states(inputs))

    def answer(self, outputs):
        return split_outputs(outputs)["tape"]

    def answer_in_trace(self, trace):
        """The tape after each step, as likely as the machine stops there."""
        after_steps = trace["tape"][:, 1:]
        return np.einsum("bt,btmn->bmn", trace["stopping_mass"][..., 0], after_steps)

    def output_dtype(self, policy):
        return "float64" if policy == "float64" else "float32"

    def learning_task(self, inputs):
        """A layer, the answers it can learn, and the loss."""
        return self.make(), *self.training_step(inputs, None)

    def training_step(self, inputs, outputs):
        answers = inputs.argmax(axis=-1) if self.fuzzy else inputs.copy()
        answers[:, 0] = 1
        return answers, TapeLoss()


@dataclass(frozen=True)
class FromTokens:
    """How the tests drive a layer from (B, N) or (B, N, symbols) to (B, N, units).

    Args:
        make: Function from the layer's options to the layer.
        one_hot: Boolean, whether the tokens are one-hot vectors.
    """

    make: Any
    one_hot: bool = False
    layer: ClassVar = NeuralGPU
    fewest: ClassVar = 1
    learns: ClassVar = True
    distributions: ClassVar = ()
    unusual_options: ClassVar = {"kernel_size": 5, "kernel_initializer": "he_normal"}
    call_options: ClassVar = {"mask": np.arange(SIZE) < np.array([[5], [2], [4], [3]])}

    def inputs(self, rng, size=SIZE):
        tokens = rng.integers(1, SYMBOLS, (BATCH, size)).astype("int32")
        tokens[1, 2:] = 0  # padding
        return self._encoded(tokens)

    def _encoded(self, tokens):
        if not self.one_hot:
            return tokens
        return (np.eye(SYMBOLS)[tokens] * (tokens > 0)[..., None]).astype("float32")

    def _tokens(self, inputs):
        return inputs.argmax(axis=-1) if self.one_hot else inputs

    def symbolic_inputs(self):
        if self.one_hot:
            return keras.Input((None, SYMBOLS))
        return keras.Input((None,), dtype="int32")

    def other_inputs(self, inputs):
        return self._encoded((self._tokens(inputs) + 1) % SYMBOLS)

    def answer(self, outputs):
        return outputs

    def answer_in_trace(self, trace):
        return trace["output"][:, -1]

    def output_dtype(self, policy):
        return "float64" if policy == "float64" else "float32"

    def learning_task(self, inputs):
        """A layer, the answers it can learn, and the loss."""
        return self.make(dropout=0.1), *self.training_step(inputs, None)

    def training_step(self, inputs, outputs):
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        return np.maximum(self._tokens(inputs) - 1, 0), loss


HEADS = ("read_weightings", "write_weightings")
SEQUENCE_CASES = {
    "lstm_ntm": FromSequences(NTM, lstm_ntm, HEADS),
    "dense_ntm": FromSequences(NTM, dense_ntm, HEADS),
    "content_ntm": FromSequences(NTM, content_ntm, HEADS),
    "lstm_dnc": FromSequences(DNC, lstm_dnc, ("read_modes",)),
    "dense_dnc": FromSequences(DNC, dense_dnc, ("read_modes",)),
    "unlinked_dnc": FromSequences(DNC, unlinked_dnc, ("read_weightings",)),
    "stack_rnn": FromSequences(StackRNN, stack_rnn, ("actions",)),
    "pushed_first": FromSequences(StackRNN, pushed_first, ("actions",)),
    "tape_rnn": FromSequences(TapeRNN, tape_rnn, ("moves",)),
    "jumping_tape": FromSequences(TapeRNN, jumping_tape, ("moves",)),
    "npi": FromSequences(NPI, npi, ("program", "argument_0")),
    "toy": FromSequences(toy_machine.ToyMachine, toy),
}
TAPE_CASES = {
    "dense_nram": FromTapes(dense_nram),
    "lstm_nram": FromTapes(lstm_nram),
    "slots_nram": FromTapes(
        slots_nram, distributions=(*FromTapes.distributions, "gate_selection")
    ),
    "replicated_nram": FromTapes(replicated_nram, fewest=2),
    "straight_through_nram": FromTapes(straight_through_nram, fuzzy=True, learns=False),
}
TOKEN_CASES = {
    "neural_gpu": FromTokens(neural_gpu),
    "cutoff_gpu": FromTokens(cutoff_gpu, one_hot=True),
}
CASES = {**SEQUENCE_CASES, **TAPE_CASES, **TOKEN_CASES}
# All of the paper's gates, for the few tests that compile them.
ALL_GATES = {"all_gates_nram": FromTapes(all_gates_nram)}

# One case per machine, the first.
ONE_PER_MACHINE = list(
    {case.layer: name for name, case in reversed(CASES.items())}.values()
)[::-1]


def with_cases(names, slow=()):
    """A decorator: the test runs with the cases of these names, with some as slow ones."""
    params = [*names, *(pytest.param(name, marks=pytest.mark.slow) for name in slow)]
    return pytest.mark.parametrize("case", params, indirect=True)


def once_per_machine(cases):
    """A decorator: one case per machine in `make test`, the others in `make test-slow`."""
    once = [name for name in cases if name in ONE_PER_MACHINE]
    return with_cases(once, slow=[name for name in cases if name not in once])


def once_per_kind(names):
    """A decorator for slow tests: one case of each kind of inputs in `make test`."""
    once = list({type(CASES[name]): name for name in reversed(names)}.values())
    return with_cases(once, slow=[name for name in names if name not in once])


# What depends on a machine's options runs with each case, the rest once per machine.
each_sequence_case = with_cases(SEQUENCE_CASES)
each_tape_case = with_cases(TAPE_CASES)
each_machine = once_per_machine(CASES)
each_machine_with_a_cell = once_per_machine({**SEQUENCE_CASES, **TAPE_CASES})
each_sequence_machine = once_per_machine(SEQUENCE_CASES)
each_tape_machine = once_per_machine(TAPE_CASES)


def model_of(layer, inputs):
    return keras.Model(inputs, layer(inputs))


def copy_of(layer, case, **options):
    """A layer of a case with other options and the same weights."""
    copy = case.make(**options)
    batch = BATCH if options.get("stateful") else None
    copy.build((batch, None, FEATURES))
    copy.set_weights(layer.get_weights())
    return copy


def assert_close(actual, expected, tolerance=1e-5):
    np.testing.assert_allclose(keras.ops.convert_to_numpy(actual), expected, atol=tolerance)


def assert_all_close(actual, expected):
    for one, other in zip(actual, expected, strict=True):
        assert_close(one, other)
