"""Random settings of every machine, with inputs, for Hypothesis."""

from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
from hypothesis import strategies as st
from keras import ops
from machine_cases import CASES
from toy_machine import ToyMachine

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
from keras_nm.layers.nram.gates import DEFAULT_GATES
from keras_nm.layers.nram.outputs import join_outputs

FEATURES = 3
WEIGHT_SCALES = (0.0, 0.1, 1.0, 1.0, 10.0, 1e3)
INPUT_SCALES = (0.0, 1e-6, 1.0, 1.0, 1e3, 1e8)


@dataclass
class Trial:
    """One machine, what goes into it, and how its weights are enlarged.

    Args:
        make: Function without arguments that returns the layer.
        inputs: The array that goes into it.
        by_steps: Function from the layer and this trial to the layer's outputs, computed by
            one call of the cell per step.
        distributions: Names in a trace whose values sum to 1.
        weight_scale: Number by which the initial weights are multiplied.
        seed: Seed of the random weights.
        description: Dict of everything above, to read in a report.
        call_options: Further arguments of a call, which `trace` also takes.
        draw_state: Optional function from a generator and a shape to a random first state.
    """

    make: Any
    inputs: np.ndarray
    by_steps: Any
    distributions: tuple
    weight_scale: float
    seed: int
    description: dict
    call_options: dict = field(default_factory=dict)
    draw_state: Any = None

    def __repr__(self):
        return f"Trial({self.description})"

    def layer(self):
        """The layer with its weights enlarged, and with its states in `call_options`."""
        keras.utils.set_random_seed(self.seed)
        layer = self.make()
        layer.build(self.inputs.shape)
        layer.set_weights([self.weight_scale * x for x in layer.get_weights()])
        if self.draw_state is not None:
            rng = np.random.default_rng(self.seed)
            self.call_options["initial_state"] = [
                self.draw_state(rng, (len(self.inputs), size)).astype("float32")
                for size in keras.tree.flatten(layer.cell.state_size)
            ]
        return layer


def positive_numbers(rng, shape):
    return np.abs(rng.normal(size=shape))


def shares(rng, shape):
    """Positive numbers that sum to 1 in each row."""
    numbers = positive_numbers(rng, shape)
    return numbers / np.sum(numbers, axis=-1, keepdims=True)


def cells(draw, dtype):
    """A recurrent or feed-forward controller."""
    units = draw(st.integers(1, 5))
    activation = draw(st.sampled_from(["tanh", "relu", "sigmoid", None]))
    dropout = draw(st.sampled_from([0.0, 0.3]))
    layers = keras.layers
    makers = {
        "none": lambda: None,
        "dense": lambda: layers.Dense(units, activation, dtype=dtype),
        "normalized": lambda: keras.Sequential(
            [layers.Dense(units, dtype=dtype), layers.LayerNormalization(dtype=dtype)]
        ),
        "simple": lambda: layers.SimpleRNNCell(units, dtype=dtype),
        "lstm": lambda: layers.LSTMCell(units, dropout=dropout, dtype=dtype),
        "gru": lambda: layers.GRUCell(units, dtype=dtype),
        "stacked": lambda: layers.StackedRNNCells(
            [layers.LSTMCell(units, dtype=dtype), layers.GRUCell(2, dtype=dtype)],
            dtype=dtype,
        ),
        "chained": lambda: ChainedCell(
            [layers.Dense(units, activation, dtype=dtype), layers.LSTMCell(2, dtype=dtype)],
            dtype=dtype,
        ),
    }
    name = draw(st.sampled_from(list(makers)))
    return f"{name}({units}, {activation}, {dropout})", makers[name]


def ntm_options(draw):
    num_locations = draw(st.integers(1, 9))
    by_location = draw(st.booleans())
    memory = draw(st.sampled_from(["constant", "drawn", "random", "learned"]))
    weighting = draw(st.sampled_from(["focused", "uniform", "learned"]))
    # Without a difference between locations, the layer refuses to be made.
    if not by_location:
        memory = "learned" if memory == "constant" else memory
        weighting = "focused" if weighting == "learned" else weighting
    if weighting == "uniform" and memory == "constant":
        memory = "random"
    return {
        "memory_shape": (num_locations, draw(st.integers(1, 5))),
        "num_read_heads": draw(st.integers(1, 3)),
        "num_write_heads": draw(st.integers(1, 3)),
        "shift_range": draw(st.integers(0, (num_locations - 1) // 2)),
        "addressing": "content_and_location" if by_location else "content",
        "step_order": draw(st.sampled_from(["read_first", "write_first"])),
        "initial_memory": memory,
        "initial_weighting": weighting,
        "initial_read": draw(st.sampled_from(["learned", "zeros"])),
        "key_activation": draw(st.sampled_from(["tanh", "sigmoid", "linear"])),
        "add_activation": draw(st.sampled_from(["tanh", "sigmoid", "linear"])),
        "key_strength_activation": draw(
            st.sampled_from(["softplus", "exponential", "relu"])
        ),
        "key_strength_bias": draw(st.sampled_from([0.0, 4.0, -2.0])),
        "activation": draw(st.sampled_from([None, "sigmoid", "tanh"])),
        "parameter_clip": draw(st.sampled_from([20.0, 1.0, 1e3, None])),
        "gradient_clip": draw(st.sampled_from([1e6, 1.0, 1e-3])),
        "sigmoid_epsilon": draw(st.sampled_from([0.0, 1e-4, 0.5])),
    }


def dnc_options(draw):
    links = draw(st.booleans())
    return {
        "memory_shape": (draw(st.integers(1, 9)), draw(st.integers(1, 5))),
        "num_read_heads": draw(st.integers(1, 3)),
        "num_write_heads": draw(st.integers(1, 3)),
        "temporal_links": links,
        "content_mask": draw(st.booleans()),
        "mask_minimum": draw(st.sampled_from([0.0, 0.1, 0.9])),
        "deallocate_content": draw(st.booleans()),
        "link_sharpening": links and draw(st.booleans()),
        "key_strength_activation": draw(st.sampled_from(["oneplus", "softplus"])),
        "key_activation": draw(st.sampled_from([None, "tanh"])),
        "write_activation": draw(st.sampled_from([None, "tanh"])),
        "usage_gradient": draw(st.booleans()),
        "initial_memory": draw(st.sampled_from(["zeros", "constant"])),
        "parameter_clip": draw(st.sampled_from([20.0, 1.0, 1e3, None])),
        "activation": draw(st.sampled_from([None, "sigmoid", "tanh"])),
    }


def stack_options(draw):
    depth = draw(st.integers(1, 6))
    return {
        "stack_shape": (depth, draw(st.integers(1, 4))),
        "num_stacks": draw(st.integers(1, 3)),
        "read_depth": draw(st.integers(1, depth)),
        "no_op": draw(st.booleans()),
        "actions": draw(st.sampled_from(["soft", "discrete", "straight_through"])),
        "push_activation": draw(st.sampled_from(["sigmoid", "linear", "tanh"])),
        "empty_value": draw(st.sampled_from([0.0, -1.0])),
        "memory_order": draw(st.sampled_from(["push_last", "push_first"])),
        "readout_activation": draw(st.sampled_from([None, "relu"])),
        "activation": draw(st.sampled_from([None, "sigmoid"])),
        "use_bias": draw(st.booleans()),
    }


def tape_options(draw):
    moves = draw(st.permutations(["stay", "left", "right", "jump_left", "jump_right"]))
    moves = moves[: draw(st.integers(2, 5))]
    jumps = any(move.startswith("jump") for move in moves)
    return {
        "tape_shape": (draw(st.integers(1, 6)), draw(st.integers(1, 4))),
        "num_tapes": draw(st.integers(1, 3)),
        "moves": moves,
        "length_channel": draw(st.sampled_from([-1, 0])) if jumps else None,
        "actions": draw(st.sampled_from(["soft", "discrete", "straight_through"])),
        "jumps_write": draw(st.booleans()),
        "write_units": draw(st.sampled_from([(), (3,), (4, 2)])),
        "readout_activation": draw(st.sampled_from([None, "relu"])),
        "activation": draw(st.sampled_from([None, "sigmoid"])),
    }


def npi_options(draw):
    # Of three features, one at least is the observation.
    return {
        "argument_sizes": draw(st.sampled_from([(), (1,)])),
        "program_size": draw(st.integers(1, 4)),
        "key_size": draw(st.integers(1, 4)),
        "encoder_units": draw(st.sampled_from([(), (3,), (4, 2)])),
    }


def npi_with(units, **options):
    """An `NPI`, whose number of units follows from its programs and arguments."""
    return NPI(1 if options["argument_sizes"] else min(units, 2), **options)


def toy_options(draw):
    return {"leak": draw(st.floats(0, 1))}


def no_cells(draw, dtype):
    """The toy machine's controllers, which have no states."""
    return "none", lambda: None


@st.composite
def sequences(
    draw,
    layer,
    machine_options,
    distributions,
    controllers=cells,
    draw_state=positive_numbers,
):
    """A layer from sequences to sequences, with sequences, masks and initial states."""
    options = machine_options(draw)
    dtype = draw(st.sampled_from(["float32"] * 3 + ["float64", "mixed_bfloat16"]))
    options |= {
        "dtype": dtype,
        "return_sequences": draw(st.booleans()),
        "go_backwards": draw(st.booleans()),
        "unroll": draw(st.booleans()),
        "zero_output_for_mask": draw(st.booleans()),
    }
    if options["unroll"] and options["go_backwards"]:
        # Keras's unrolled loop then takes the mask in the wrong direction, for any layer.
        options["zero_output_for_mask"] = False
    controller, make_controller = controllers(draw, dtype)
    units, batch, steps = (draw(st.integers(1, 4)) for _ in range(3))
    seed = draw(st.integers(0, 2**31 - 1))
    rng = np.random.default_rng(seed)
    input_scale = draw(st.sampled_from(INPUT_SCALES))
    call_options = {}
    if draw(st.booleans()):
        call_options["mask"] = rng.random((batch, steps)) < 0.7

    def make():
        return layer(units, controller=make_controller(), **options)

    given_states = draw(st.booleans())
    weight_scale = draw(st.sampled_from(WEIGHT_SCALES))
    return Trial(
        make,
        (input_scale * rng.normal(size=(batch, steps, FEATURES))).astype("float32"),
        sequence_by_steps,
        distributions,
        weight_scale,
        seed,
        {
            "units": units,
            "controller": controller,
            **options,
            "batch, steps": (batch, steps),
            "input_scale": input_scale,
            "weight_scale": weight_scale,
            "mask": "mask" in call_options,
            "initial_state": given_states,
            "seed": seed,
        },
        call_options,
        draw_state if given_states else None,
    )


def sequence_by_steps(layer, trial):
    cell = layer.cell
    batch, steps, _ = trial.inputs.shape
    mask = trial.call_options.get("mask", np.ones((batch, steps), bool))

    def taken(x):  # in the layer's precision
        return ops.cast(ops.cast(x, layer.compute_dtype), cell.compute_dtype)

    states = layer.get_initial_state(batch)
    if trial.draw_state is not None:
        states = [taken(state) for state in trial.call_options["initial_state"]]
    inputs = taken(trial.inputs)
    outputs = np.zeros((batch, steps, layer.cell.output_size))
    last = np.zeros((batch, layer.cell.output_size))
    times = range(steps)[::-1] if layer.go_backwards else range(steps)
    for index, time in enumerate(times):
        output, new = cell(inputs[:, time], states)
        now = mask[:, time, None]
        states = [ops.where(now, x, y) for x, y in zip(new, states, strict=True)]
        kept = 0.0 if layer.zero_output_for_mask else last
        outputs[:, index] = np.where(now, output, kept)
        last = np.where(now, output, last)
    return outputs if layer.return_sequences else outputs[:, -1]


@st.composite
def tapes(draw):
    """An `NRAM` with tapes."""
    size = draw(st.integers(3, 6))
    gates = draw(st.lists(st.sampled_from(DEFAULT_GATES), min_size=1, max_size=5))
    num_slots = draw(st.none() | st.integers(1, 3))
    num_replicas = draw(st.none() | st.integers(1, 2))
    dtype = draw(st.sampled_from(["float32"] * 3 + ["float64", "mixed_bfloat16"]))
    options = {
        "num_registers": draw(st.integers(1, 3)),
        "num_steps": draw(st.integers(1, 3)),
        "gates": gates,
        "gate_repeats": 1 if num_slots else draw(st.integers(1, 2)),
        "num_slots": num_slots,
        "selection": draw(st.sampled_from(["soft", "discrete", "straight_through"])),
        "activation_gradient_clip": draw(st.sampled_from([1.0, 1e-3, None])),
        "renormalize": draw(st.booleans()),
        "epsilon": draw(st.sampled_from([1e-10, 1e-30, 1e-3])),
        "stop_bias": draw(st.sampled_from([0.0, -4.0, 50.0])),
        "num_replicas": num_replicas,
        "entropy_weight": draw(st.sampled_from([None, 0.1, -0.1])),
        "dtype": dtype,
    }
    controller, make_controller = cells(draw, dtype)
    if num_replicas and ("normalized" in controller or "0.3" in controller):
        controller, make_controller = "none", lambda: None  # it takes neither
    batch = draw(st.integers(1, 3)) * (num_replicas or 1)
    seed = draw(st.integers(0, 2**31 - 1))
    rng = np.random.default_rng(seed)
    inputs = rng.integers(0, size, (batch, size)).astype("int32")
    fuzzy = draw(st.booleans())
    if fuzzy:
        inputs = rng.dirichlet(np.full(size, 0.3), (batch, size)).astype("float32")
    weight_scale = draw(st.sampled_from(WEIGHT_SCALES))
    return Trial(
        lambda: NRAM(controller=make_controller(), **options),
        inputs,
        tape_by_steps,
        CASES["slots_nram" if num_slots else "dense_nram"].distributions,
        weight_scale,
        seed,
        {
            "controller": controller,
            **options,
            "tapes": inputs.shape,
            "weight_scale": weight_scale,
            "seed": seed,
        },
    )


def tape_by_steps(layer, trial):
    states = layer.cell.initial_states(trial.inputs)
    for time in range(layer.num_steps):
        must_stop = np.full((len(trial.inputs), 1), float(time == layer.num_steps - 1))
        _, states = layer.cell(must_stop, states)
    return join_outputs(layer.cell.named_states(states))


@st.composite
def tokens(draw):
    """A `NeuralGPU` with integers or vectors, and perhaps a mask."""
    gate = draw(st.sampled_from(["diagonal", "cutoff"]))
    num_weight_sets = draw(st.integers(1, 3))
    options = {
        "units": draw(st.integers(1, 4)),
        "num_maps": draw(st.integers(1, 7)),
        "num_symbols": draw(st.integers(2, 5)),
        "gate": gate,
        "width": draw(st.integers(1, 3)),
        "kernel_size": draw(st.sampled_from([1, 3, 5])),
        "cells_per_step": draw(st.integers(1, 2)),
        "dropout": draw(st.sampled_from([0.0, 0.3])),
        "saturation_weight": None if gate == "cutoff" else draw(st.none() | st.just(0.1)),
        "saturation_limit": draw(st.sampled_from([0.9, 1e-3])),
        "num_weight_sets": num_weight_sets,
        "pull": 0.0 if num_weight_sets == 1 else draw(st.sampled_from([0.0, 0.5])),
        "dtype": draw(st.sampled_from(["float32"] * 3 + ["float64", "mixed_bfloat16"])),
    }
    batch, length = draw(st.integers(1, 3)), draw(st.integers(1, 6))
    seed = draw(st.integers(0, 2**31 - 1))
    rng = np.random.default_rng(seed)
    if draw(st.booleans()):
        shape = (batch, length, options["num_symbols"])
        scale = draw(st.sampled_from(INPUT_SCALES))
        inputs = (scale * rng.normal(size=shape)).astype("float32")
    else:
        inputs = rng.integers(0, options["num_symbols"], (batch, length)).astype("int32")
    call_options = {}
    if draw(st.booleans()):
        call_options["mask"] = rng.random((batch, length)) < 0.7
    weight_scale = draw(st.sampled_from(WEIGHT_SCALES))
    return Trial(
        lambda: NeuralGPU(**options),
        inputs,
        token_by_steps,
        (),
        weight_scale,
        seed,
        {**options, "inputs": inputs.shape, "weight_scale": weight_scale, "seed": seed},
        call_options,
    )


def token_by_steps(layer, trial):
    batch, length = trial.inputs.shape[:2]
    state = ops.zeros((batch, length, layer.width, layer.num_maps), layer.compute_dtype)
    inputs = trial.inputs
    if inputs.ndim == 3:
        inputs = inputs.astype(layer.compute_dtype)
    for time in range(length):
        outputs, state = layer.step(inputs, state, time, **trial.call_options)
    return outputs


TRIALS = {
    NTM: sequences(NTM, ntm_options, CASES["lstm_ntm"].distributions),
    # Its states are weightings, which nothing normalizes again.
    DNC: sequences(DNC, dnc_options, CASES["lstm_dnc"].distributions, draw_state=shares),
    StackRNN: sequences(StackRNN, stack_options, CASES["stack_rnn"].distributions),
    TapeRNN: sequences(TapeRNN, tape_options, CASES["tape_rnn"].distributions),
    NPI: sequences(npi_with, npi_options, CASES["npi"].distributions),
    ToyMachine: sequences(ToyMachine, toy_options, (), no_cells),
    NRAM: tapes(),
    NeuralGPU: tokens(),
}
