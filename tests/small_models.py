"""Small models that several tests export, serve or show, each with more for its card."""

import keras
import numpy as np

from keras_nm.layers import DNC, NRAM, NTM, StackRNN, TapeRNN
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
    layer = NTM(
        UNITS,
        (9, 4),
        keras.layers.LSTMCell(8),
        num_read_heads=2,
        return_sequences=True,
        name="memory",
    )
    return randomized(on_sequences(layer)), {}


def computer():
    """A DNC with two write heads, three read heads, and all of its options."""
    layer = DNC(
        UNITS,
        (6, 3),
        keras.layers.LSTMCell(8),
        num_read_heads=3,
        num_write_heads=2,
        content_mask=True,
        deallocate_content=True,
        link_sharpening=True,
        return_sequences=True,
        name="computer",
    )
    return randomized(on_sequences(layer)), {}


def stacks():
    """A Stack-RNN with two stacks, whose actions are rounded."""
    layer = StackRNN(
        UNITS,
        (6, 3),
        num_stacks=2,
        controller=keras.layers.LSTMCell(8),
        read_depth=2,
        actions="discrete",
        empty_value=-1.0,
        return_sequences=True,
        name="stacks",
    )
    return randomized(on_sequences(layer)), {}


def tapes():
    """A Tape-RNN with two tapes, which jump by the last feature, rounded down."""
    layer = TapeRNN(
        UNITS,
        (6, 3),
        num_tapes=2,
        moves=("stay", "left", "right", "jump_left", "jump_right"),
        length_channel=-1,
        controller=keras.layers.SimpleRNNCell(8),
        write_units=(8,),  # more make such large values that rounding shows
        return_sequences=True,
        name="tapes",
    )
    return randomized(on_sequences(layer)), {}


def machine():
    """An NRAM with weights none of which is 0."""
    return randomized(on_tapes(NRAM(3, num_steps=2, gates=GATES))), {}


def walker():
    """An NRAM with the program that walks along linked lists."""
    layer = NRAM(2, num_steps=7, gates=WALKER.gates, gate_repeats=WALKER.gate_repeats)
    task = {"task": "nram/list_k", "task_options": {"max_length": 10}}
    return on_tapes(WALKER.into_layer(layer)), {**card_of(layer), **task}


def on_sequences(layer):
    """A model around a recurrent layer."""
    inputs = keras.Input((None, FEATURES))
    return keras.Model(inputs, layer(inputs))


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
