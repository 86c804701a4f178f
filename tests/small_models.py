"""Small models that several tests export, serve or show, each with more for its card."""

import keras
import numpy as np

from keras_nm.layers import NRAM, NTM
from keras_nm.programs import PROGRAMS, Program

FEATURES, UNITS = 4, 5

# An export takes as long as it has gates, so these machines have few.
GATES = ("READ", "ONE", "ADD", "WRITE")
WALKER = Program(
    2,
    PROGRAMS["list_k"].rules(),
    gates=("READ", "ONE", "TWO", "INC", "DEC", "WRITE"),
    gate_repeats=2,
)


def memory():
    """An NTM with two read heads and with weights none of which is 0."""
    inputs = keras.Input((None, FEATURES))
    layer = NTM(
        UNITS,
        (9, 4),
        keras.layers.LSTMCell(8),
        num_read_heads=2,
        return_sequences=True,
        name="memory",
    )
    return randomized(keras.Model(inputs, layer(inputs))), {}


def machine():
    """An NRAM with weights none of which is 0."""
    return randomized(on_tapes(NRAM(3, num_steps=2, gates=GATES))), {}


def walker():
    """An NRAM with the program that walks along linked lists."""
    layer = NRAM(2, num_steps=7, gates=WALKER.gates, gate_repeats=WALKER.gate_repeats)
    task = {"task": "nram/list_k", "task_options": {"max_length": 10}}
    return on_tapes(WALKER.into_layer(layer)), {**card_of(layer), **task}


def on_tapes(layer):
    """A model around an NRAM."""
    tape = keras.Input((None,), dtype="int32")
    return keras.Model(tape, layer(tape))


def randomized(model):
    """The model with random weights, so that each of them counts."""
    rng = np.random.default_rng(0)
    for weight in model.weights:
        weight.assign(rng.normal(scale=0.5, size=weight.shape))
    return model


def card_of(layer):
    """The part of a card that names the layer."""
    config = layer.get_config()
    values = {k: v for k, v in config.items() if isinstance(v, int | float | str | tuple)}
    return {"layer": {"class_name": type(layer).__name__, **values}}
