"""Looks at a machine during training, as numbers and text.

Each function takes the layer, its trace as arrays, and `examples`. These are a pair of a
batch `(x, y, sample_weight)` and a dict with the other arguments of the layer's call, or
`None` if the layer's inputs and outputs are not those of its model. It returns a dict from
names to numbers or text.
"""

import contextlib

import keras
import numpy as np

from keras_nm.layers.stack_rnn.stack import ACTIONS
from keras_nm.metrics.weights import step_weights
from keras_nm.programs import Program


def head_entropies(layer, trace, examples):
    """Returns the mean entropies of an `NTM`'s weightings, in bits.

    A weighting on a single location has an entropy of 0.
    """
    entropies = {}
    for kind in ("write", "read"):
        weightings = trace[f"{kind}_weightings"]  # (B, T, heads, N)
        logs = np.log2(np.maximum(weightings, 1e-30))
        entropies[f"{kind}_entropy"] = -np.sum(weightings * logs, axis=-1).mean()
    return entropies


def heads_and_gates(layer, trace, examples):
    """Returns how a `DNC` finds locations: the means of its gates and read modes.

    The entropies of its weightings are there as well, in bits.
    """
    seen = head_entropies(layer, trace, examples)
    for gate in ("write_gate", "allocation_gate", "free_gate"):
        seen[gate] = trace[gate].mean()
    if "read_modes" in trace:
        num_write_heads = trace["write_gate"].shape[2]
        shares = trace["read_modes"].mean(axis=(0, 1, 2))  # of (B, T, R, 1 + 2 V)
        seen["read_backward"] = shares[:num_write_heads].sum()
        seen["read_by_content"] = shares[num_write_heads]
        seen["read_forward"] = shares[num_write_heads + 1 :].sum()
    return seen


def mean_actions(layer, trace, examples):
    """Returns how often a `StackRNN` pushes, pops and stays, over all stacks and steps."""
    return _means(ACTIONS, trace["actions"])


def mean_moves(layer, trace, examples):
    """Returns how often a `TapeRNN` makes each of its moves, over all tapes and steps."""
    return _means(layer.cell.moves, trace["moves"])


def called_programs(layer, trace, examples):
    """Returns how often an `NPI` calls each program, and how often it ends.

    Steps of padding, whose sample weight is 0, do not count.
    """
    counts = slice(None) if examples is None else examples[0][2] > 0  # (B, T)
    means = trace["program"][counts].reshape(-1, trace["program"].shape[-1]).mean(axis=0)
    shares = {f"program_{index}": share for index, share in enumerate(means)}
    return {**shares, "end": trace["end"][counts].mean()}


def settled_at(layer, trace, examples):
    """Returns after what share of its steps a `NeuralGPU` no longer changes its answers.

    It is a mean over positions, without those of padding, whose state is always 0: near 1,
    the machine needs all of its steps. An example has as many steps as positions.
    """
    classes = np.argmax(trace["output"], axis=-1)  # (B, N + 1, N)
    changes = classes[:, 1:] != classes[:, :-1]
    steps = np.arange(1, changes.shape[1] + 1)[:, None]
    last = np.max(changes * steps, axis=1)  # (B, N)
    counts = np.any(trace["state"] != 0, axis=(1, 3, 4))  # (B, N)
    num_steps = np.sum(counts, axis=-1, keepdims=True)  # (B, 1)
    return {"settled_at": np.mean((last / np.maximum(num_steps, 1))[counts])}


def _means(names, weights):
    means = np.mean(weights, axis=(0, 1, 2))  # of (B, T, K, A)
    return dict(zip(names, means, strict=False))


def program_and_gap(layer, trace, examples):
    """Returns the program of an `NRAM`, and how much worse it answers by argmax.

    The discrete machine takes tapes of integers, and a number of steps that is known.
    """
    seen = {}
    with contextlib.suppress(ValueError):  # a controller with states has no program
        seen["program"] = str(Program.from_layer(layer))
    if examples is not None and _can_be_discrete(*examples):
        seen |= _wrong_cells(layer, trace, *examples)
    return seen


def _can_be_discrete(batch, call_options):
    num_steps = call_options.get("num_steps")
    return batch[0].ndim == 2 and not isinstance(num_steps, keras.KerasTensor)


def _wrong_cells(layer, trace, batch, call_options):
    x, y, sample_weight = batch
    # The expected tape, sum_t p_t tape^(t): (B, M, M).
    soft = np.einsum("bt,btij->bij", trace["stopping_mass"][..., 0], trace["tape"][:, 1:])
    integers = layer.run_integers(x, call_options.get("num_steps"))
    discrete = keras.ops.convert_to_numpy(integers["tape"])
    weights = step_weights(y, sample_weight, dtype="float32")  # (B, M)
    weights = keras.ops.convert_to_numpy(weights)
    wrong_soft = np.average(soft.argmax(axis=-1) != y, weights=weights)
    wrong_discrete = np.average(discrete != y, weights=weights)
    return {
        "wrong_cells_soft": wrong_soft,
        "wrong_cells_discrete": wrong_discrete,
        "wrong_cells_gap": wrong_discrete - wrong_soft,
    }
