"""The Neural Turing Machine as slow NumPy loops: the oracle of the layer's tests.

Written from the equations of the paper, one sample and one location at a time.
"""

import math

import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(x):
    e = np.exp(x - np.max(x))
    return e / e.sum()


def softplus(x):
    return math.log1p(math.exp(-abs(x))) + max(x, 0)


def content_weighting(memory, key, strength):
    cosines = []
    for row in memory:
        dot = sum(k * m for k, m in zip(key, row, strict=True))
        norms = math.sqrt(sum(k * k for k in key) * sum(m * m for m in row))
        cosines.append(dot / norms)
    return softmax(strength * np.array(cosines))


def interpolate(content, previous, gate):
    return np.array(
        [gate * c + (1 - gate) * p for c, p in zip(content, previous, strict=True)]
    )


def shift(weighting, shift_weighting):
    size = len(weighting)
    shift_range = len(shift_weighting) // 2
    result = np.zeros(size)
    for i in range(size):
        for j in range(size):
            for offset in range(-shift_range, shift_range + 1):
                if (i - j - offset) % size == 0:
                    result[i] += weighting[j] * shift_weighting[offset + shift_range]
    return result


def sharpen(weighting, gamma):
    powers = np.array([w**gamma for w in weighting])
    return powers / powers.sum()


def read(memory, weighting):
    vector = np.zeros(memory.shape[1])
    for i, row in enumerate(memory):
        vector += weighting[i] * row
    return vector


def write(memory, weightings, erases, adds):
    result = memory.copy()
    for i in range(len(memory)):
        for weighting, erase in zip(weightings, erases, strict=True):
            result[i] = result[i] * (1 - weighting[i] * erase)
        for weighting, add in zip(weightings, adds, strict=True):
            result[i] = result[i] + weighting[i] * add
    return result


def lstm(x, h, c, weights):
    """One step of an LSTM cell with Keras's gate order: input, forget, cell, output."""
    kernel, recurrent_kernel, bias = weights
    i, f, g, o = np.split(x @ kernel + h @ recurrent_kernel + bias, 4)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def run_ntm(sequence, layer, memory=None):
    """Runs one sequence `(T, features)` through the weights of an NTM layer.

    The layer has an LSTM or tanh Dense controller, a constant initial memory unless
    `memory` is another one, and a focused initial weighting. Returns a list of dicts, one
    per step.
    """
    cell = layer.cell
    num_read, num_write = cell.num_read_heads, cell.num_write_heads
    num_heads = num_read + num_write
    locations, width = cell.memory_shape
    offsets = 2 * cell.shift_range + 1
    controller_weights = [w.numpy() for w in cell.controller.weights]
    head_kernel, head_bias = (w.numpy() for w in cell.head_map.weights)
    output_kernel, output_bias = (w.numpy() for w in cell.output_map.weights)

    if memory is None:
        memory = np.full((locations, width), 1e-6)
    weightings = np.zeros((num_heads, locations))
    weightings[:, 0] = 1
    reads = cell._initial_reads.numpy().reshape(num_read, width)
    bias = cell.key_strength_bias
    is_lstm = len(controller_weights) == 3
    h = np.zeros(controller_weights[-1].size // (4 if is_lstm else 1))
    c = np.zeros_like(h)

    steps = []
    for x in sequence:
        controller_input = np.concatenate([x, reads.ravel()])
        if is_lstm:
            h, c = lstm(controller_input, h, c, controller_weights)
        else:
            h = np.tanh(controller_input @ controller_weights[0] + controller_weights[1])

        raw = list(np.clip(h @ head_kernel + head_bias, -20, 20))

        def take(count, raw=raw):
            taken = np.array(raw[:count])
            del raw[:count]
            return taken

        keys = [np.tanh(take(width)) for _ in range(num_heads)]
        strengths = [softplus(take(1)[0] + bias) for _ in range(num_heads)]
        gates = [sigmoid(take(1)[0]) for _ in range(num_heads)]
        shifts = [softmax(take(offsets)) for _ in range(num_heads)]
        gammas = [1 + softplus(take(1)[0]) for _ in range(num_heads)]
        erases = [sigmoid(take(width)) for _ in range(num_write)]
        adds = [np.tanh(take(width)) for _ in range(num_write)]
        assert not raw

        new_weightings = []
        for head in range(num_heads):
            w = content_weighting(memory, keys[head], strengths[head])
            w = interpolate(w, weightings[head], gates[head])
            w = shift(w, shifts[head])
            new_weightings.append(sharpen(w, gammas[head]))
        weightings = np.array(new_weightings)

        new_memory = write(memory, weightings[num_read:], erases, adds)
        read_from = memory if cell.step_order == "read_first" else new_memory
        reads = np.array([read(read_from, w) for w in weightings[:num_read]])
        memory = new_memory
        output = np.concatenate([h, reads.ravel()]) @ output_kernel + output_bias
        steps.append(
            {
                "output": output,
                "reads": reads,
                "read_weightings": weightings[:num_read],
                "write_weightings": weightings[num_read:],
                "memory": memory,
            }
        )
    return steps
