"""Applies all heads to the memory in one step, with a hand-written gradient.

The backward pass is most of a training step. Automatic differentiation stores every
intermediate of every step, some of them as large as the memory, and passes over the memory
once per product. The gradient here stores the memory and some weightings, and merges
products over the memory.

Axes: B batch, H heads (the R read heads first), N memory locations, W width of a location,
S shift offsets. Equation numbers are those of Graves et al. 2014.
"""

from keras import ops

from keras_nm.layers.choices import softmax
from keras_nm.layers.gradients import supports_several_outputs, with_gradient
from keras_nm.layers.ntm import addressing
from keras_nm.layers.ntm.addressing import (
    content_similarity,
    interpolate,
    outer,
    sharpen,
)


def access_memory(
    memory, weightings, parameters, step_order, gradient_clip, training=False
):
    """Addresses, reads and writes (Graves et al. 2014, sections 3.1 to 3.3).

    Args:
        memory: Tensor of shape `(B, W, N)`.
        weightings: Tensor of shape `(B, H, N)`, of the step before.
        parameters: Dict of the heads' parameters: `"key"` `(B, H, W)`, `"key_strength"`
            `(B, H, 1)`, `"erase"` and `"add"` `(B, H - R, W)`, and for addressing by
            location `"gate"` `(B, H, 1)`, `"shift"` `(B, H, S)` and `"sharpening"`
            `(B, H, 1)`.
        step_order: `"read_first"` or `"write_first"`.
        gradient_clip: Positive float. The hand-written gradient clips the gradients of the
            results to plus or minus this number.
        training: Boolean, whether to use the hand-written gradient.

    Returns:
        A triple: the read vectors `(B, R, W)`, the new weightings `(B, H, N)` and the new
        memory `(B, W, N)`.
    """
    keys = addressing.scaled_keys(parameters["key"], parameters["key_strength"])
    arguments = [memory, keys, parameters["erase"], parameters["add"]]
    if "gate" in parameters:
        location = [parameters[name] for name in ("gate", "shift", "sharpening")]
        arguments += [weightings, *location]

    def access(*arguments):
        result, kept = _access(step_order, *arguments)

        def gradient(upstream):
            clipped = [ops.clip(d, -gradient_clip, gradient_clip) for d in upstream]
            return _gradient(step_order, arguments, kept, clipped)

        return result, gradient

    if training and supports_several_outputs():
        return with_gradient(access, *arguments)
    result, _ = access(*arguments)
    return result


def _access(step_order, memory, keys, erase, add, *location):
    similarities, inverse_norms = content_similarity(memory, keys)  # (B, H, N), (B, 1, N)
    content = weightings = softmax(similarities)  # (B, H, N)    (5)
    shifted = None
    if location:
        previous, gates, shifts, sharpening = location
        gated = interpolate(content, previous, gates)  # (B, H, N)    (7)
        shifted = addressing.shift(gated, shifts)  # (B, H, N)    (8)
        weightings = sharpen(shifted, sharpening)  # (B, H, N)    (9)
    read_weightings, write_weightings = _split(weightings, erase)
    new_memory = addressing.write(memory, write_weightings, erase, add)  # (B, W, N)  (3, 4)
    read_memory = memory if step_order == "read_first" else new_memory
    reads = addressing.read(read_memory, read_weightings)  # (B, R, W)    (2)
    kept = (similarities, inverse_norms, content, shifted, weightings)
    return (reads, weightings, new_memory), kept


def _split(weightings, erase):
    """Returns the weightings of the read heads, and those of the write heads."""
    num_read_heads = weightings.shape[1] - erase.shape[1]
    return weightings[:, :num_read_heads], weightings[:, num_read_heads:]


def _gradient(step_order, arguments, kept, upstream):
    """Returns the gradients of `_access` with respect to its arguments.

    `d_x` is the gradient of the loss with respect to `x`.
    """
    memory, keys, erase, add, *location = arguments
    d_reads, d_weightings, d_new_memory = upstream  # (B, R, W), (B, H, N), (B, W, N)
    similarities, inverse_norms, content, shifted, weightings = kept
    if location:
        previous, gates, shifts, sharpening = location
        gated = interpolate(content, previous, gates)  # (B, H, N)
    read_weightings, write_weightings = _split(weightings, erase)

    # Reading, (2). `vectors` and `vector_weightings` are factors of an outer product. It is
    # added to the memory's gradient at the end, together with the product of the keys.
    read_memory, vectors, vector_weightings = memory, [d_reads], [read_weightings]
    if step_order == "write_first":
        read_memory = addressing.write(memory, write_weightings, erase, add)
        d_new_memory = d_new_memory + outer(d_reads, read_weightings)
        vectors, vector_weightings = [], []
    d_read_weightings = ops.matmul(d_reads, read_memory)  # (B, R, N)

    # Writing, (3) and (4).
    d_memory, d_write_weightings, d_erase, d_add = _write_gradient(
        d_new_memory, memory, write_weightings, erase, add
    )
    d_weightings = d_weightings + ops.concatenate(  # (B, H, N)
        [d_read_weightings, d_write_weightings], axis=1
    )

    # Addressing by location, (9), (8) and (7).
    d_location = []
    if location:
        d_shifted, d_sharpening = _sharpen_gradient(
            d_weightings, weightings, shifted, sharpening
        )
        d_gated, d_shifts = _shift_gradient(d_shifted, gated, shifts)
        d_gates = _sum(d_gated * (content - previous))  # (B, H, 1)
        d_location = [d_gated * (1 - gates), d_gates, d_shifts, d_sharpening]
        d_weightings = d_gated * gates  # (B, H, N), from here on the gradient of `content`

    # The softmax (5), and the products of keys and memory (6).
    d_similarities = content * (d_weightings - _sum(d_weightings * content))  # (B, H, N)
    d_products = d_similarities * inverse_norms  # (B, H, N)
    # Read and write heads are apart, because a single head's product of a matrix and a
    # vector is faster than half of a product of matrices.
    d_keys = ops.concatenate(  # (B, H, W)
        [addressing.read(memory, part) for part in _split(d_products, erase)], axis=1
    )
    # The norms of the locations. Where a norm is at its floor, its inverse is constant. The
    # comparison leaves room for rounding.
    d_squared_norms = ops.where(  # (B, 1, N)
        inverse_norms < 0.999999 / addressing.NORM_FLOOR,
        -ops.sum(d_similarities * similarities, axis=1, keepdims=True),
        0.0,
    ) * ops.square(inverse_norms)
    d_memory = (  # (B, W, N)
        d_memory
        + d_squared_norms * memory
        + outer(
            ops.concatenate([*vectors, keys], axis=1),
            ops.concatenate([*vector_weightings, d_products], axis=1),
        )
    )
    return d_memory, d_keys, d_erase, d_add, *d_location


def _sum(x):
    return ops.sum(x, axis=-1, keepdims=True)


def _write_gradient(d_memory, memory, weightings, erase, add):
    """Returns the gradients of `addressing.write`, in the order of its arguments."""
    heads = [slice(head, head + 1) for head in range(erase.shape[1])]
    # The share of the memory that each head keeps, (B, W, N), and the memory that it finds
    # before it erases, without any additions.
    kept = [1 - outer(erase[:, head], weightings[:, head]) for head in heads]
    before = [memory]
    for factor in kept[:-1]:
        before.append(before[-1] * factor)

    width = memory.shape[1]
    d_added, d_weightings, d_vectors = d_memory, [], []
    for head, factor, found in reversed(list(zip(heads, kept, before, strict=True))):
        # Both products of a head over the memory, merged into one.
        both = ops.concatenate([d_added, d_memory * found], axis=1)  # (B, 2 W, N)
        vectors = ops.concatenate([add[:, head], -erase[:, head]], axis=2)  # (B, 1, 2 W)
        d_weightings.insert(0, ops.matmul(vectors, both))  # (B, 1, N)
        d_vectors.insert(0, addressing.read(both, weightings[:, head]))  # (B, 1, 2 W)
        d_memory = d_memory * factor  # (B, W, N)
    d_vectors = ops.concatenate(d_vectors, axis=1)  # (B, H - R, 2 W)
    d_weightings = ops.concatenate(d_weightings, axis=1)  # (B, H - R, N)
    return d_memory, d_weightings, -d_vectors[..., width:], d_vectors[..., :width]


def _shift_gradient(d_shifted, weightings, shifts):
    """Returns the gradients of `addressing.shift`, in the order of its arguments."""
    rolled = addressing.rolled(weightings, shifts.shape[-1])  # S times (B, H, N)
    d_shifts = ops.concatenate([_sum(d_shifted * x) for x in rolled], axis=-1)  # (B, H, S)
    # To shift back, take the offsets in the opposite order.
    return addressing.shift(d_shifted, ops.flip(shifts, axis=-1)), d_shifts


def _sharpen_gradient(d_weightings, weightings, shifted, sharpening):
    """Returns the gradients of `addressing.sharpen`, in the order of its arguments."""
    floored = ops.maximum(shifted, addressing.WEIGHTING_FLOOR)  # (B, H, N)
    d_powers = weightings * (d_weightings - _sum(d_weightings * weightings))  # (B, H, N)
    d_shifted = ops.where(  # (B, H, N)
        shifted > addressing.WEIGHTING_FLOOR, sharpening * d_powers / floored, 0.0
    )
    return d_shifted, _sum(d_powers * ops.log(floored))
