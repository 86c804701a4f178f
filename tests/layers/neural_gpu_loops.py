"""The Neural GPU as slow Python loops: the oracle of its tests.

Written from the papers' equations, for one example: place by place, map by map. The weights
are those of a layer, by name.
"""

import math

import numpy as np


def hard_sigmoid(x):
    return min(max(0.5 * x + 0.5, 0.0), 1.0)


def hard_tanh(x):
    return min(max(x, -1.0), 1.0)


def cut_off_sigmoid(x):
    return min(max(1.2 / (1 + math.exp(-x)) - 0.1, 0.0), 1.0)


FORMS = {
    "diagonal": (hard_sigmoid, hard_tanh),
    "cutoff": (cut_off_sigmoid, math.tanh),
}


def convolve(state, kernel, bias):
    """A convolution of `(N, W, M)` that is 0 beyond the edges."""
    length, width, _ = state.shape
    rows, columns, maps, outputs = kernel.shape
    result = np.zeros((length, width, outputs))
    for n in range(length):
        for w in range(width):
            for o in range(outputs):
                total = float(bias[o])
                for i in range(rows):
                    for j in range(columns):
                        place = (n + i - rows // 2, w + j - columns // 2)
                        if 0 <= place[0] < length and 0 <= place[1] < width:
                            for m in range(maps):
                                total += float(kernel[i, j, m, o] * state[place][m])
                result[n, w, o] = total
    return result


def shifted(state):
    """A third of the maps from the left neighbor, a third from the right one."""
    length, _, maps = state.shape
    third = maps // 3
    result = np.array(state)
    for n in range(length):
        for m in range(maps):
            if maps - 2 * third <= m < maps - third:
                result[n, :, m] = state[n - 1, :, m] if n > 0 else 0
            elif m >= maps - third:
                result[n, :, m] = state[n + 1, :, m] if n + 1 < length else 0
    return result


def each(function, array):
    return np.vectorize(function, otypes=[float])(array)


def excess(array, limit):
    return float(np.sum(each(lambda x: max(abs(x) - limit, 0), array)))


def cell(weights, state, gate):
    """One gated convolution: the new state, and all pre-activations."""
    squash, candidate_squash = FORMS[gate]
    (reset_kernel, reset_bias), (update_kernel, update_bias), candidate_weights = weights
    before_reset = convolve(state, reset_kernel, reset_bias)
    before_update = convolve(state, update_kernel, update_bias)
    reset, update = each(squash, before_reset), each(squash, before_update)
    before = convolve(reset * state, *candidate_weights)
    kept = shifted(state) if gate == "diagonal" else state
    new = update * kept + (1 - update) * each(candidate_squash, before)
    return new, [before_reset, before_update, before]


def run(layer, vectors):
    """All states `(N + 1, N, W, M)`, the logits `(N, units)`, and the saturation cost."""
    named = {weight.path.partition("/")[2]: weight.numpy() for weight in layer.weights}
    x = np.array(vectors, float)
    if layer.gate == "cutoff":
        x = np.tanh(x @ named["embedding/kernel"])
    x = x @ named["input_map/kernel"] + named["input_map/bias"]
    length, maps = x.shape
    cost = length * excess(x, layer.saturation_limit)
    state = np.zeros((length, layer.width, maps))
    state[:, 0] = each(hard_tanh, x) if layer.gate == "diagonal" else x
    states = [state]
    for time in range(length):
        for index in range(layer.cells_per_step):
            weights = [
                [
                    named[f"{part}_{kind}_{index}"][time % layer.num_weight_sets]
                    for kind in ("kernel", "bias")
                ]
                for part in ("reset", "update", "candidate")
            ]
            state, before = cell(weights, state, layer.gate)
            cost += sum(excess(array, layer.saturation_limit) for array in before)
        states.append(state)
    logits = state[:, 0] @ named["output_map/kernel"] + named["output_map/bias"]
    return np.array(states), logits, cost / length**2
