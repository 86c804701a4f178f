"""Describes models for a page: the card in words, the graph as ONNX, some examples."""

import contextlib
import json
import math
import os

import tensorflow as tf

from keras_nm.export.card import CARD_FILE
from keras_nm.export.versions import versions_in
from keras_nm.machines import MACHINES
from keras_nm.tasks import TASKS

try:
    import tf2onnx
except ImportError as error:
    raise ImportError(
        "Pages need tf2onnx: install it with `pip install keras_nm[page]`"
    ) from error

_OPSET = 18


def describe_models(directory):
    """Describes the newest version of each model in a directory.

    Args:
        directory: `pathlib.Path`, with `NAME/VERSION` in it.

    Returns:
        A list of dicts, in the order of the names. Everything can be written as JSON except
        for `"onnx"`, the bytes of one step of the machine. Models of machines without a
        `page` in their row are left out.

    Raises:
        NotADirectoryError: If there is no such directory.
        ValueError: If there are no models, or if a page cannot show a model.
    """
    if not directory.is_dir():
        raise NotADirectoryError(f"{directory} is not a directory of models")
    newest = [_newest(folder) for folder in sorted(directory.iterdir()) if folder.is_dir()]
    described = (_describe(path) for path in newest if path is not None)
    models = [model for model in described if model is not None]
    if not models:
        raise ValueError(
            f"There are no models in {directory} that a page can show. Models must be in "
            f"{directory}/NAME/VERSION, where `keras-nm export` writes them"
        )
    return models


def _newest(folder):
    """Returns the folder of a model's newest version, or `None`."""
    versions = versions_in(folder).values()
    return next((path for path in versions if (path / "saved_model.pb").is_file()), None)


def _describe(path):
    card_path = path / "assets.extra" / CARD_FILE
    try:
        card = json.loads(card_path.read_text())
        kind = card["layer"]["class_name"]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise ValueError(
            f"{path} has no card, assets.extra/{CARD_FILE}, that names its layer. A page "
            f"needs models that `keras-nm export` wrote. The error was: {error!r}"
        ) from error
    if kind not in MACHINES:
        shown = [name for name, machine in MACHINES.items() if machine.page is not None]
        raise ValueError(
            f"{path} is a model of the layer {kind}. A page shows models of "
            f"{', '.join(shown)}: put other models elsewhere, or give the layer a row with "
            "a `page` in keras_nm.machines.MACHINES"
        )
    machine = MACHINES[kind]
    if machine.page is None:
        return None
    model = tf.saved_model.load(path)
    if "step" not in model.signatures:
        raise ValueError(
            f"{path} has no endpoint `step`, which a page runs. It has "
            f"{', '.join(sorted(model.signatures))}. Export the model again"
        )
    spec = TASKS.get(card.get("task"))
    try:
        details = machine.function("page")(path, card, model, spec)
        details = {
            "line": _line(card, machine, details.pop("sizes")),
            "facts": _facts(card, spec),
            "summary": "" if spec is None else spec.summary,
            "explanation": "" if spec is None else spec.explanation,
            **details,
        }
    except KeyError as error:
        raise ValueError(
            f"The card of {path} has no {error}, which a page shows: export the model with "
            "a card like the cards of `keras-nm export`"
        ) from error
    onnx = _onnx(model.signatures["step"])
    return {"name": path.parent.name, **details, "onnx": onnx}


def _onnx(signature):
    specs = list(signature.structured_input_signature[1].values())

    @tf.function
    def renamed(*inputs):
        # In ONNX, an output cannot have the name of an input.
        inputs = {spec.name: x for spec, x in zip(specs, inputs, strict=True)}
        return {f"new_{name}": x for name, x in signature(**inputs).items()}

    with _errors_raised():
        model, _ = tf2onnx.convert.from_function(renamed, specs, opset=_OPSET)
    return model.SerializeToString()


@contextlib.contextmanager
def _errors_raised():
    """Lets tf2onnx raise errors.

    Otherwise it copies graphs so that it can go on after errors, which takes most of its
    time.
    """
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


def _line(card, machine, sizes):
    """Describes in one line what the layer is and how it was made."""
    sentences = [", ".join([machine.words, *sizes])]
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


def _facts(card, spec):
    """Returns further facts of a card, as pairs of a word and a sentence."""
    facts = [
        (name.capitalize(), str(card[name]))
        for name in ("task", "paper", "version", "created", "seed")
        if name in card
    ]
    facts.append(("Weights", f"{card['weights']:,}"))
    # A card has NaN as null.
    results = [
        {name: math.nan if value is None else value for name, value in result.items()}
        for result in card.get("results", [])
    ]
    for measure in [] if spec is None or not results else spec.compared:
        values = [f"{measure.of(r):.4g} at length {r['length']}" for r in results]
        facts.append((measure.words.capitalize(), ", ".join(values)))
    return facts
