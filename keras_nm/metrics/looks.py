"""What there is to see of a machine at a moment of its training, as numbers and text.

Each function takes the layer, a trace of it as arrays, and `examples`: a pair of a batch
`(x, y, sample_weight)` and of a dict with the other arguments of the layer's call, or
`None` where the inputs and outputs of the layer are not those of its model. It returns a
dict from names to numbers or text.
"""

import contextlib

import keras
import numpy as np

from keras_nm.programs import Program


def head_entropies(layer, trace, examples):
    """The mean entropies of an `NTM`'s weightings, in bits. One location has 0."""
    entropies = {}
    for kind in ("write", "read"):
        weightings = trace[f"{kind}_weightings"]  # (B, T, heads, N)
        logs = np.log2(np.maximum(weightings, 1e-30))
        entropies[f"{kind}_entropy"] = -np.sum(weightings * logs, axis=-1).mean()
    return entropies


def program_and_gap(layer, trace, examples):
    """The program of an `NRAM`, and how much worse it is when it chooses by argmax."""
    seen = {}
    with contextlib.suppress(ValueError):  # a controller with states has no program
        seen["program"] = str(Program.from_layer(layer))
    if examples is not None:
        seen |= _wrong_cells(layer, trace, *examples)
    return seen


def _wrong_cells(layer, trace, batch, call_options):
    x, y, sample_weight = batch
    # The expected tape, sum_t p_t tape^(t).
    soft = np.einsum("bt,btij->bij", trace["stopping_mass"][..., 0], trace["tape"][:, 1:])
    integers = layer.run_integers(x, call_options.get("num_steps"))
    discrete = keras.ops.convert_to_numpy(integers["tape"])
    wrong_soft = np.average(soft.argmax(axis=-1) != y, weights=sample_weight)
    wrong_discrete = np.average(discrete != y, weights=sample_weight)
    return {
        "wrong_cells_soft": wrong_soft,
        "wrong_cells_discrete": wrong_discrete,
        "wrong_cells_gap": wrong_discrete - wrong_soft,
    }
