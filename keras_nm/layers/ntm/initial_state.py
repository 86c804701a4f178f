"""Initial memories, weightings and read vectors of a Neural Turing Machine.

Axes: H heads, R read heads, N memory locations, W width of a location.
"""

import math

import keras
import numpy as np
from keras import ops

from keras_nm.layers.choices import softmax
from keras_nm.layers.random_numbers import uniform

INITIAL_MEMORIES = ("constant", "drawn", "random", "learned")
INITIAL_WEIGHTINGS = ("focused", "uniform", "learned")
INITIAL_READS = ("learned", "zeros")

_CONSTANT_MEMORY = 1e-6


def check_locations_differ(initial_memory, initial_weighting, addressing):
    """Raises a ValueError if all locations would stay alike forever."""
    by_location = addressing == "content_and_location"
    if not by_location and initial_weighting == "learned":
        raise ValueError(
            "Addressing by content does not use the initial weighting, so the weighting "
            f"cannot be learned. Received: addressing={addressing!r}, "
            f"initial_weighting={initial_weighting!r}"
        )
    if initial_memory == "constant" and (not by_location or initial_weighting == "uniform"):
        raise ValueError(
            "With a constant initial memory, all locations stay alike forever, unless "
            "heads address by location and do not start uniformly. Received: "
            f"initial_memory={initial_memory!r}, addressing={addressing!r}, "
            f"initial_weighting={initial_weighting!r}. Use "
            "initial_memory='drawn', 'random' or 'learned', or addressing="
            "'content_and_location' with initial_weighting='focused' or 'learned'"
        )


def add_initial_weights(cell):
    """Adds the weights of the initial state to an `NTMCell`.

    Returns:
        The weights of the read vectors `(R * W,)`, those of the memory `(N, W)`, and the
        logits of the weightings `(H, N)`. Each is `None` if it has no weight.
    """
    num_locations, width = cell.memory_shape
    reads = memory = logits = None
    # No autocast, because a layer of half precision around this cell reads the weights.
    if cell.initial_read == "learned":
        reads = cell.add_weight(
            name="initial_reads",
            shape=(cell.num_read_heads * width,),
            initializer="zeros",
            autocast=False,
        )
    if cell.initial_memory in ("random", "learned"):
        limit = _largest_number(width)
        memory = cell.add_weight(
            name="initial_memory",
            shape=(num_locations, width),
            initializer=keras.initializers.RandomUniform(-limit, limit),
            trainable=cell.initial_memory == "learned",
            autocast=False,
        )
    if cell.initial_weighting == "learned":
        logits = cell.add_weight(
            name="initial_weighting_logits",
            shape=(cell.num_heads, num_locations),
            # Random, because equal logits would leave the locations alike.
            initializer=keras.initializers.RandomNormal(stddev=1.0),
            autocast=False,
        )
    return reads, memory, logits


def initial_weightings(kind, num_heads, num_locations, logits, dtype):
    """Returns the weightings before the first step, `(H, N)`."""
    if kind == "learned":
        return softmax(logits)  # (H, N)
    if kind == "focused":
        return ops.one_hot([0] * num_heads, num_locations, dtype=dtype)
    return ops.full((num_heads, num_locations), 1 / num_locations, dtype=dtype)


def initial_memory(kind, memory_shape, weights, dtype):
    """Returns the memory before the first step, `(W, N)`."""
    num_locations, width = memory_shape
    if kind == "constant":
        return ops.full((width, num_locations), _CONSTANT_MEMORY, dtype=dtype)
    if kind == "drawn":
        # The same on every backend and with every version of NumPy, which no longer changes
        # this generator.
        limit = _largest_number(width)
        numbers = np.random.RandomState(0).uniform(-limit, limit, (num_locations, width))
        return ops.convert_to_tensor(numbers.T, dtype=dtype)
    return ops.transpose(weights)


def drawn_memories(batch_size, memory_shape, seed_generator):
    """Draws a memory for each sequence of a batch, flat: `(B, W * N)`."""
    num_locations, width = memory_shape
    numbers = uniform((batch_size, width * num_locations), seed_generator)
    return _largest_number(width) * (2 * numbers - 1)


def _largest_number(width):
    """Returns the bound of random memories, whose locations then have lengths below 1."""
    return 1 / math.sqrt(width)
