"""Describes a Neural Random-Access Machine for a page."""

import dataclasses
import json

import numpy as np
import tensorflow as tf

from keras_nm.layers.nram.gates import DEFAULT_GATES, GATES
from keras_nm.page.sequences import short_lengths, some, task_of
from keras_nm.programs import Program
from keras_nm.programs.layout import layout

_TAPES = 2  # examples of each length


def describe(path, card, model, spec):
    """Describes an exported `NRAM`: its sizes, its program, and tapes.

    The arguments, the result and the errors are those of
    `keras_nm.page.sequences.describe`. Only the endpoints differ: they are those of
    `keras_nm.export.tapes`.
    """
    step = model.signatures["step"].structured_input_signature[1]
    states = {
        name: tensor.shape[1]
        for name, tensor in step.items()
        if name not in ("tape", "registers")
    }
    if any(step[name].dtype != tf.float32 for name in states):
        raise ValueError(f"{path} does not compute in float32, which a page needs")
    gates = card.get("rules", card["layer"]).get("gates", DEFAULT_GATES)
    return {
        "view": "nram",
        "sizes": [some(card["layer"]["num_registers"], "register")],
        "registers": step["registers"].shape[1],
        "controller_states": states,
        "smallest_tape": max(GATES[name].min_size for name in gates if name in GATES),
        "steps": card["layer"].get("num_steps") or 10,
        "program": _program(card),
        "examples": _tapes(card, spec),
    }


def _program(card):
    """Returns the circuits of the card's program in words and pictures, or `None`."""
    if "rules" not in card:
        return None
    program = Program.from_json(json.dumps(card["rules"]))
    circuits = [circuit for _, circuit in program.blocks()]
    return {
        # Maps each pattern to the index of its circuit.
        "patterns": {
            pattern: circuits.index(program.circuits[pattern])
            for pattern in sorted(program.reachable_patterns())
        },
        # Names of the endpoint's outputs. A slot has no fixed gate, so no gate's name.
        "outputs": list(program.sequence),
        "circuits": [
            {
                "text": text,
                "gates": dict(circuit.gates),
                **_picture(circuit),
            }
            for text, circuit in zip(program.texts(), circuits, strict=True)
        ],
    }


def _picture(circuit):
    nodes, edges = layout(circuit)
    return {
        "nodes": [dataclasses.asdict(node) for node in nodes],
        "edges": [dataclasses.asdict(edge) for edge in edges],
    }


def _tapes(card, spec):
    """Returns examples of a task of tapes, each on the smallest tape that fits it."""
    if spec is None:
        return []
    examples = []
    for length in short_lengths(task_of(card, spec)):
        task = task_of(card, spec, min_length=length, max_length=length, num_cells=None)
        steps = max(task.num_steps, card["layer"].get("num_steps") or 0)
        batch = next(iter(task.evaluation_set(batch_size=_TAPES, num_batches=1)))
        for index, arrays in enumerate(zip(*batch, strict=True)):
            tape, answer, cells = (array.numpy() for array in arrays)
            examples.append(
                {
                    "name": f"{length} {spec.length}, tape {index + 1}",
                    "tape": tape.tolist(),
                    "answer": answer.tolist(),
                    "answer_cells": np.flatnonzero(cells).tolist(),
                    "steps": steps,
                }
            )
    return examples
