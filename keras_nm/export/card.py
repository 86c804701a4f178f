"""Model cards, which describe exported models to programs (JSON) and people (Markdown)."""

import datetime
import json
import math

import tensorflow as tf

from keras_nm.export.layers import layers_of
from keras_nm.machines import machine_of
from keras_nm.version import current_versions

CARD_FILE = "model_card.json"


def write_card(folder, model, name, version, signatures, more):
    """Writes `model_card.json` and `model_card.md`.

    Args:
        folder: `pathlib.Path`.
        model: `keras.Model`.
        name: String, the model's name.
        version: Integer.
        signatures: Dict from name to `SignatureDef`.
        more: Dict of further facts. They take precedence.
    """
    card = {
        "name": name,
        "version": version,
        "created": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "weights": model.count_params(),
        "versions": current_versions(),
        **_facts(model),
        **more,
        "endpoints": {
            endpoint: {
                "inputs": _tensors(signature.inputs),
                "outputs": _tensors(signature.outputs),
            }
            for endpoint, signature in sorted(signatures.items())
        },
    }
    text = json.dumps(_as_json(card), indent=2, allow_nan=False)
    (folder / CARD_FILE).write_text(text + "\n", "utf-8")
    (folder / "model_card.md").write_text(_markdown(card), "utf-8")


def _as_json(value):
    """Returns a value with null for numbers that JSON does not have, such as NaN."""
    if isinstance(value, dict):
        return {name: _as_json(x) for name, x in value.items()}
    if isinstance(value, list | tuple):
        return [_as_json(x) for x in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _facts(model):
    """Returns the facts that the table of machines has about a model's layers."""
    facts = {}
    for layer in layers_of(model):
        if machine_of(layer).facts is not None:
            facts |= machine_of(layer).function("facts")(layer)
    return facts


def _is_table(value):
    return isinstance(value, list) and all(isinstance(row, dict) for row in value)


def _tensors(infos):
    return {
        name: {
            "dtype": tf.as_dtype(info.dtype).name,
            "shape": tf.TensorShape(info.tensor_shape).as_list(),
        }
        for name, info in sorted(infos.items())
    }


def _markdown(card):
    """Returns the card as headings or lines for its keys, and tables for its lists."""
    card = dict(card)
    lines = [f"# {card.pop('name')}, version {card.pop('version')}", ""]
    endpoints, results = card.pop("endpoints"), []
    if _is_table(card.get("results")):
        results = card.pop("results")
    program, _ = card.pop("program", None), card.pop("rules", None)
    for key, value in card.items():
        if isinstance(value, dict):
            if any(isinstance(x, dict) for x in value.values()):
                continue  # too much to read
            value = ", ".join(f"{name}: {_short(x)}" for name, x in value.items())
        lines.append(f"- {key.replace('_', ' ')}: {_short(value)}")
    if program:
        lines += ["", "## Program", "", "```", str(program), "```"]
    if results:
        columns = list(dict.fromkeys(column for row in results for column in row))
        lines += ["", "## Results", ""]
        lines.append(f"| {' | '.join(column.replace('_', ' ') for column in columns)} |")
        lines.append("|" + "--:|" * len(columns))
        for row in results:
            cells = (_short(row.get(column, "")) for column in columns)
            lines.append(f"| {' | '.join(cells)} |")
    lines += ["", "## Endpoints", "", "| endpoint | inputs | outputs |", "|---|---|---|"]
    for name, endpoint in endpoints.items():
        sides = [
            ", ".join(
                f"`{tensor}` {spec['dtype']} {_shape(spec['shape'])}"
                for tensor, spec in endpoint[side].items()
            )
            for side in ("inputs", "outputs")
        ]
        lines.append(f"| `{name}` | {sides[0]} | {sides[1]} |")
    return "\n".join(lines) + "\n"


def _short(value):
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _shape(sizes):
    if sizes is None:
        return "of any shape"
    return "(" + ", ".join("any" if size is None else str(size) for size in sizes) + ")"
