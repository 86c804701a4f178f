"""The Stack-RNN and the Tape-RNN as slow Python loops: the oracles of their tests.

Written from the equations of the papers, one sample and one cell at a time. Stacks and
tapes are lists of cells, and cells are lists of numbers.
"""

import math


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def relu(x):
    return max(x, 0.0)


ACTIVATIONS = {
    "linear": lambda x: x,
    "relu": relu,
    "sigmoid": sigmoid,
    "tanh": math.tanh,
}


def softmax(logits):
    powers = [math.exp(x - max(logits)) for x in logits]
    return [x / sum(powers) for x in powers]


def one_hot(logits):
    largest = list(logits).index(max(logits))
    return [float(i == largest) for i in range(len(logits))]


def linear(weights, x):
    """A kernel `(inputs, outputs)`, perhaps a bias, and a list of numbers."""
    kernel, *bias = weights
    outputs = []
    for j in range(kernel.shape[1]):
        total = float(bias[0][j]) if bias else 0.0
        for i, value in enumerate(x):
            total += float(kernel[i, j]) * value
        outputs.append(total)
    return outputs


def elman(weights, x, hidden, activation):
    """One step of an Elman network: kernel, recurrent kernel, bias."""
    kernel, recurrent, bias = weights
    total = zip(linear((kernel, bias), x), linear((recurrent,), hidden), strict=True)
    return [activation(a + b) for a, b in total]


def read_out(cell, hidden):
    """The output of a step, with the activations that the cell was given."""
    readout = ACTIVATIONS[cell.readout_activation.__name__]
    activation = ACTIVATIONS[cell.activation.__name__]
    weights = [w.numpy() for w in cell.output_map.weights]
    return [activation(v) for v in linear(weights, [readout(v) for v in hidden])]


def chunks(numbers, size):
    return [numbers[i : i + size] for i in range(0, len(numbers), size)]


def move_stack(stack, actions, value, empty):
    """The new stack, a list with the top first."""
    push, pop, *no_op = actions
    new = []
    for i, cell in enumerate(stack):
        above = value if i == 0 else stack[i - 1]
        below = stack[i + 1] if i + 1 < len(stack) else [empty] * len(cell)
        new.append(
            [
                push * a + pop * b + (no_op[0] * c if no_op else 0.0)
                for a, b, c in zip(above, below, cell, strict=True)
            ]
        )
    return new


def move_tape(tape, weights, names, length, value, jumps_write=True):
    """The new tape, a list from the head on. Its size gives the ring."""
    size = len(tape)
    steps = {"stay": 0, "left": -1, "right": 1, "jump_left": -length, "jump_right": length}
    new = [[0.0] * len(cell) for cell in tape]
    for weight, name in zip(weights, names, strict=True):
        written = [value, *tape[1:]]
        if name.startswith("jump") and not jumps_write:
            written = tape
        for i, cell in enumerate(written):
            place = (i + steps[name]) % size
            new[place] = [a + weight * b for a, b in zip(new[place], cell, strict=True)]
    return new
