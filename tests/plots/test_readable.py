"""Every picture can be read: no text on another, none cut off, nothing without a name."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from keras_nm import plots
from keras_nm.layers import DNC, NPI, NRAM, NTM, NeuralGPU, StackRNN, TapeRNN
from keras_nm.layers.tape_rnn.tape import MOVES
from keras_nm.programs import PROGRAMS, Circuit, Program, npi


def plate(time=None, **heads):
    layer = NTM(8, memory_shape=(128, 20), return_sequences=True, **heads)
    inputs = np.random.default_rng(0).random((1, 41, 9)).astype("float32")
    trace = layer.trace(inputs)
    return plots.machine_picture(layer, trace, inputs, trace["output"], time=time)


def sequence_machine(layer, features=6):
    inputs = np.random.default_rng(0).random((1, 30, features)).astype("float32")
    trace = layer.trace(inputs)
    return plots.machine_picture(layer, trace, inputs, trace["output"])


def neural_gpu(classes=3, maps=24):
    layer = NeuralGPU(classes, num_maps=maps, num_symbols=4)
    tokens = np.random.default_rng(0).integers(1, 4, (1, 20))
    return plots.machine_picture(layer, layer.trace(tokens), tokens)


def execution(name="list_k", size=10, time=None):
    program = PROGRAMS[name]
    layer = NRAM(program.num_registers, num_steps=5, gate_repeats=program.gate_repeats)
    program.into_layer(layer)
    tape = np.random.default_rng(0).integers(1, size, (1, size))
    return plots.machine_picture(layer, layer.trace(tape), tape, None, time=time)


def calls(library, *problem):
    events = npi.Interpreter(library).trace(library.environment(*problem))
    return plots.call_picture(events)


def long_conditions():
    """A program that stops for every second pattern of registers."""
    goes_on = Circuit({"READ": ["r1"]}, ["READ", "r2", "r3", "r4"])
    rules = [
        (pattern, replace(goes_on, stop=pattern.count("+") % 2 == 1))
        for pattern in map("".join, itertools.product("0+", repeat=4))
    ]
    return Program(4, rules), [pattern for pattern, _ in rules]


def curves(seeds):
    rng = np.random.default_rng(0)
    examples = np.arange(1, 30) * 2000
    values = [100 * np.exp(-rng.random() * np.arange(29)) for _ in range(seeds)]
    lines = [(examples, value) for value in values]
    return plots.learning_curves({"ntm": lines, "lstm": lines[:1]}, solved_below=0.05)


def lengths():
    seeds = {20: [0.0] * 17 + [0.5], 50: [0.0] * 17 + [3.0], 120: [9.0] * 9 + [0.05] * 9}
    results = dict.fromkeys(("ntm", "ntm-feedforward", "lstm"), seeds)
    return plots.generalization_chart(results, trained=(1, 20))


def answers():
    rng = np.random.default_rng(0)
    return plots.answer_strips(
        {n: (rng.integers(0, 2, (n, 8)), rng.random((n, 8))) for n in (5, 20, 120)}
    )


FIGURES = {
    "plate": plate,
    "plate of many heads": lambda: plate(num_read_heads=3, num_write_heads=2),
    "plate of a moment": lambda: plate(time=20),
    "DNC": lambda: sequence_machine(DNC(8, (32, 16), num_read_heads=2, num_write_heads=2)),
    "Stack-RNN": lambda: sequence_machine(StackRNN(3, (16, 8), num_stacks=3)),
    "Tape-RNN": lambda: sequence_machine(
        TapeRNN(3, (16, 8), num_tapes=2, moves=MOVES, length_channel=-1)
    ),
    "DNC of many read heads": lambda: sequence_machine(DNC(8, (32, 16), num_read_heads=4)),
    "NPI": lambda: sequence_machine(NPI(7, argument_sizes=(4, 2)), features=20),
    "Neural GPU": neural_gpu,
    "Neural GPU of few maps": lambda: neural_gpu(classes=2, maps=2),
    "calls": lambda: calls(npi.Addition(), 96, 125),
    "calls of a short array": lambda: calls(npi.BubbleSort(), [3]),
    "circuits with long conditions": lambda: plots.circuit_picture(*long_conditions()),
    "execution": execution,
    "execution of 50 cells": lambda: execution(size=50),
    "execution of a moment": lambda: execution(time=1),
    "curves": lambda: curves(5),
    "lengths": lengths,
    "answers": answers,
} | {name: lambda name=name: plots.circuit_picture(PROGRAMS[name]) for name in PROGRAMS}


def words(figure):
    """All texts that are drawn, with their boxes in pixels."""
    drawn = []
    with pytest.MonkeyPatch.context() as patch:
        draw = Text.draw

        def draw_and_remember(text, renderer):
            if text.get_visible() and text.get_text().strip():
                drawn.append((text.get_text(), text.get_window_extent(renderer)))
            draw(text, renderer)

        patch.setattr(Text, "draw", draw_and_remember)
        FigureCanvasAgg(figure).draw()
    return drawn


@pytest.mark.parametrize("name", FIGURES)
def test_texts_are_apart_and_inside(name):
    figure = FIGURES[name]()
    width, height = figure.get_size_inches() * figure.dpi
    found = words(figure)
    assert found
    for text, box in found:
        assert min(box.x0, box.y0) >= 0, text
        assert box.x1 <= width, text
        assert box.y1 <= height, text
    for (a, box_a), (b, box_b) in itertools.combinations(found, 2):
        apart_x = min(box_a.x1, box_b.x1) <= max(box_a.x0, box_b.x0) + 0.5
        apart_y = min(box_a.y1, box_b.y1) <= max(box_a.y0, box_b.y0) + 0.5
        assert apart_x or apart_y, (a, b)


@pytest.mark.parametrize("name", ["plate", "curves", "lengths"])
def test_axes_have_names(name):
    figure = FIGURES[name]()
    for axes in figure.axes:
        assert axes.get_ylabel()
    assert figure.axes[-3 if name == "plate" else -1].get_xlabel()
