"""What a page knows of each model: its card in words, its graph as ONNX, some examples."""

import contextlib
import dataclasses
import inspect
import json
import os

import numpy as np
import tensorflow as tf

from keras_nm.export.card import CARD_FILE
from keras_nm.layers.gates import DEFAULT_GATES, GATES
from keras_nm.programs import Program
from keras_nm.programs.layout import layout
from keras_nm.tasks import TASKS

try:
    import tf2onnx
except ImportError as error:
    raise ImportError(
        "Pages need tf2onnx: install it with `pip install keras_nm[page]`"
    ) from error

_OPSET = 18
# Of the examples that a page offers: short ones, which fit on a screen.
_LENGTHS = (2, 4, 6)
_TAPES = 2  # of each length


def describe_models(directory):
    """Describes the newest version of each model in a directory.

    Args:
        directory: `pathlib.Path`, with `NAME/VERSION` in it.

    Returns:
        A list of dicts, in the order of the names. All can be written as JSON but
        `"onnx"`, the bytes of one step of the machine.

    Raises:
        NotADirectoryError: If there is no such directory.
        ValueError: If there is no model, or one that a page cannot show.
    """
    if not directory.is_dir():
        raise NotADirectoryError(f"{directory} is not a directory of models")
    newest = [_newest(folder) for folder in sorted(directory.iterdir()) if folder.is_dir()]
    models = [_describe(path) for path in newest if path is not None]
    if not models:
        raise ValueError(
            f"There is no model in {directory}: they are in {directory}/NAME/VERSION, "
            "where `keras-nm export` writes them"
        )
    return models


def _newest(folder):
    """The folder of a model's last version, or `None`."""
    versions = [path for path in folder.iterdir() if (path / "saved_model.pb").is_file()]
    versions = [path for path in versions if path.name.isdecimal()]
    return max(versions, key=lambda path: int(path.name), default=None)


def _describe(path):
    card_path = path / "assets.extra" / CARD_FILE
    try:
        card = json.loads(card_path.read_text())
        kind = card["layer"]["class_name"]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise ValueError(
            f"{path} has no card, assets.extra/{CARD_FILE}, that says what its layer is: a "
            f"page takes what `keras-nm export` wrote. The error was: {error!r}"
        ) from error
    if kind not in _DETAILS:
        raise ValueError(
            f"{path} is a model of the layer {kind}. A page shows models of "
            f"{' and '.join(_DETAILS)}: put others elsewhere"
        )
    model = tf.saved_model.load(path)
    if "step" not in model.signatures:
        raise ValueError(
            f"{path} has no endpoint `step`, which a page runs, but "
            f"{', '.join(sorted(model.signatures))}. Export the model again"
        )
    spec = TASKS.get(card.get("task"))
    try:
        details = {
            "line": _line(card),
            "facts": _facts(card),
            **_task_in_words(spec),
            **_DETAILS[kind](path, card, model, spec),
        }
    except KeyError as error:
        raise ValueError(
            f"The card of {path} has no {error}, which a page shows: export the model with "
            "a card like those of `keras-nm export`"
        ) from error
    onnx = _onnx(model.signatures["step"])
    return {"name": path.parent.name, "kind": kind, **details, "onnx": onnx}


def _onnx(signature):
    specs = list(signature.structured_input_signature[1].values())

    @tf.function
    def renamed(*inputs):
        # ONNX has no outputs named like inputs.
        inputs = {spec.name: x for spec, x in zip(specs, inputs, strict=True)}
        return {f"new_{name}": x for name, x in signature(**inputs).items()}

    with _errors_raised():
        model, _ = tf2onnx.convert.from_function(renamed, specs, opset=_OPSET)
    return model.SerializeToString()


@contextlib.contextmanager
def _errors_raised():
    """Lets tf2onnx raise errors. Copying graphs, to go on, takes most of its time."""
    name = "TF2ONNX_CATCH_ERRORS"
    before = os.environ.get(name)
    os.environ[name] = "FALSE"
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


def _task_in_words(spec):
    """The task's first sentence, and the rest of what its class says before `Args`."""
    if spec is None:
        return {"summary": "", "explanation": ""}
    summary, _, text = inspect.getdoc(spec.make).partition("\n\n")
    for heading in ("\n\nArgs:", "\n\nRaises:", "\n\nExample:"):
        text = text.partition(heading)[0]
    return {"summary": summary, "explanation": text}


def _line(card):
    """What the layer is and how it was made, in a line."""
    sentences = [_layer_in_words(card["layer"])]
    if "trained_on_examples" in card:
        sentence = f"Trained on {card['trained_on_examples']:,} examples"
        options = card.get("task_options", {})
        if "max_length" in options:
            sentence += f" of lengths {options['min_length']} to {options['max_length']}"
        if "also_trained_on" in card:
            sentence += f", and on {card['also_trained_on']}"
        sentences.append(sentence)
    elif "made" in card:
        sentences.append(card["made"])
    return ". ".join(sentences) + "."


def _facts(card):
    """What else a card says, as pairs of a word and a sentence."""
    facts = [
        (name.capitalize(), str(card[name]))
        for name in ("task", "paper", "version", "created", "seed")
        if name in card
    ]
    facts.append(("Weights", f"{card['weights']:,}"))
    results = card.get("results", [])
    for name in results[0] if results else []:
        if name.startswith("wrong_"):
            values = [f"{r[name]:.4g} at length {r['length']}" for r in results]
            facts.append((name.replace("_", " ").capitalize(), ", ".join(values)))
    return facts


def _layer_in_words(layer):
    def some(number, word):
        return f"{number} {word}{'' if number == 1 else 's'}"

    if layer["class_name"] == "NTM":
        locations, width = layer["memory_shape"]
        parts = [
            f"a memory of {locations} locations of {width} numbers",
            some(layer["num_read_heads"], "read head"),
            some(layer["num_write_heads"], "write head"),
        ]
        return "Neural Turing Machine, " + ", ".join(parts)
    return f"Neural Random-Access Machine, {some(layer['num_registers'], 'register')}"


def _ntm(path, card, model, spec):
    """An NTM: its sizes and initial state, and what one types."""
    layer = card["layer"]
    step = model.signatures["step"].structured_input_signature[1]
    if any(tensor.dtype != tf.float32 for tensor in step.values()):
        raise ValueError(f"{path} does not compute in float32, which a page needs")
    states = model.signatures["initial_state"](batch_size=tf.constant(1))
    memory = [name for name in states if name.endswith("_memory")]
    if not memory:
        raise ValueError(
            f"{path} has no state that ends with _memory, but {', '.join(sorted(states))}"
        )
    prefix = sorted(memory)[0].removesuffix("memory")
    locations, width = layer["memory_shape"]
    return {
        "locations": locations,
        "width": width,
        "read_heads": layer["num_read_heads"],
        "write_heads": layer["num_write_heads"],
        "step_order": layer["step_order"],
        # Otherwise outputs are logits.
        "gives_probabilities": layer["activation"] == "sigmoid",
        "features": step["inputs"].shape[-1],
        "prefix": prefix,
        "initial_state": {name: x.numpy()[0].tolist() for name, x in states.items()},
        "num_bits": _task(card, spec).num_bits if card.get("task") == "ntm/copy" else None,
        "examples": _sequences(card, spec),
    }


def _task(card, spec, **changes):
    return spec.make(**{**card.get("task_options", {}), **changes})


def _sequences(card, spec):
    """Examples of a task of sequences."""
    if spec is None:
        return []
    task = _task(card, spec)
    examples = []
    for length in _lengths(task):
        data = task.evaluation_set(length, batch_size=1, num_batches=1)
        x, y, weight = (array.numpy()[0] for array in next(iter(data)))
        end = 1 + int(np.flatnonzero(weight)[-1])  # what is behind it is padding
        examples.append(
            {
                "name": f"{length} {spec.length}",
                # As one would type them.
                "inputs": [[round(float(v), 4) for v in row] for row in x[:end]],
                "answer": y[:end].tolist(),
                "counts": weight[:end].tolist(),
            }
        )
    return examples


def _lengths(task):
    """Short lengths that the task has: its own, where it has none of them."""
    own = range(task.min_length, task.max_length + 1)
    lengths = [length for length in _LENGTHS if length in own]
    return lengths or [task.min_length]


def _nram(path, card, model, spec):
    """An NRAM: its sizes, its program, and tapes."""
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
        "registers": step["registers"].shape[1],
        "controller_states": states,
        "smallest_tape": max(GATES[name].min_size for name in gates if name in GATES),
        "steps": card["layer"].get("num_steps") or 10,
        "program": _program(card),
        "examples": _tapes(card, spec),
    }


def _program(card):
    """A program's circuits in words and as pictures, or `None` if the card has none."""
    if "rules" not in card:
        return None
    program = Program.from_json(json.dumps(card["rules"]))
    circuits = [circuit for _, circuit in program.blocks()]
    return {
        # From each pattern to the index of its circuit.
        "patterns": {
            pattern: circuits.index(program.circuits[pattern])
            for pattern in sorted(program.reachable_patterns())
        },
        # Of the endpoint's outputs. Slots have no gate of their own, so no gate's name.
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
    """Examples of a task of tapes, each on the smallest tape that it fits on."""
    if spec is None:
        return []
    examples = []
    for length in _lengths(_task(card, spec)):
        task = _task(card, spec, min_length=length, max_length=length, num_cells=None)
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


_DETAILS = {"NTM": _ntm, "NRAM": _nram}
