"""Describes a Neural Turing Machine for a page."""

from keras_nm.page import sequences
from keras_nm.page.sequences import some


def describe(path, card, model, spec):
    """Adds memory and heads to the description of a machine of sequences.

    The arguments, the result and the errors are those of
    `keras_nm.page.sequences.describe`.
    """
    details = sequences.describe(path, card, model, spec)
    memory = [name for name in details["initial_state"] if name.endswith("_memory")]
    if not memory:
        raise ValueError(
            f"{path} has no state with a name that ends with _memory. Its states are "
            f"{', '.join(sorted(details['initial_state']))}"
        )
    layer = card["layer"]
    locations, width = layer["memory_shape"]
    return {
        **details,
        "view": "ntm",
        "sizes": [
            f"a memory of {locations} locations of {width} numbers",
            some(layer["num_read_heads"], "read head"),
            some(layer["num_write_heads"], "write head"),
        ],
        "locations": locations,
        "width": width,
        "read_heads": layer["num_read_heads"],
        "write_heads": layer["num_write_heads"],
        "step_order": layer["step_order"],
        "prefix": sorted(memory)[0].removesuffix("memory"),
    }
