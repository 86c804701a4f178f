"""Makes the pages of the model zoo from the cards in saved_models/."""

import json
from pathlib import Path

SAVED_MODELS = Path(__file__).parents[1] / "saved_models"

INTRODUCTION = """\
# Model zoo

Trained machines and programs, in `saved_models/` of the repository. Each needs TensorFlow
and not keras_nm. `keras-nm serve saved_models` serves them all, and `make page` puts them
into one page for the browser. `make saved_models` makes them again, as their next versions,
but for neural_gpu_multiplication, which takes a GPU.

*Right up to* is the largest length at which the card has no wrong answer.

| model | layer | task | weights | trained to | right up to |
|---|---|---|--:|--:|--:|
"""

# The measure of a wrong answer, whichever a task has.
ERRORS = ("wrong_bits_per_sequence", "wrong_cells", "wrong_tokens", "wrong_calls")


def newest_cards():
    """Returns the newest version's card of every model, as JSON and as Markdown."""
    for model in sorted(path for path in SAVED_MODELS.iterdir() if path.is_dir()):
        versions = [path for path in model.iterdir() if path.name.isdecimal()]
        newest = max(versions, key=lambda path: int(path.name)) / "assets.extra"
        card = json.loads((newest / "model_card.json").read_text())
        yield card, (newest / "model_card.md").read_text()


def row(card):
    name = card["name"]
    right = [r["length"] for r in card["results"] if not any(r.get(e) for e in ERRORS)]
    # A program is compiled, not trained.
    trained_to = card.get("task_options", {}).get("max_length", "a program")
    return (
        f"| [{name}]({name}.md) | {card['layer']['class_name']} | `{card['task']}` "
        f"| {card['weights']:,} | {trained_to} | {max(right, default='-')} |\n"
    )


def write(folder):
    """Writes index.md and a page for each model, and nothing that is already the same."""
    cards = list(newest_cards())
    names = "\n".join(card["name"] for card, _ in cards)
    pages = {card["name"]: text for card, text in cards}
    pages["index"] = (
        INTRODUCTION
        + "".join(row(card) for card, _ in cards)
        + f"\n```{{toctree}}\n:hidden:\n\n{names}\n```\n"
    )
    folder.mkdir(exist_ok=True)
    for name, text in pages.items():
        path = folder / f"{name}.md"
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
