"""Applies all heads of a Differentiable Neural Computer to its memory in one step.

Axes: B batch, R read heads, V write heads, N memory locations, W width of a location. The
memory is transposed, `(B, W, N)`.
"""

from keras import ops

from keras_nm.layers.dnc import allocation, links
from keras_nm.layers.dnc.content import content_weightings
from keras_nm.layers.ntm import addressing


def access_memory(states, parameters, deallocate_content, usage_gradient, training=False):
    """Writes, then reads (Graves et al. 2016, methods).

    Args:
        states: Dict of the states of the step before: `"read_weightings"` `(B, R, N)`,
            `"write_weightings"` `(B, V, N)`, `"usage"` `(B, N)`, `"memory"` `(B, W, N)`,
            and with temporal links `"precedence"` `(B, V, N)` and `"links"`
            `(B, V, N, N)`.
        parameters: Dict of the heads' parameters, see `DNCCell.interface_shapes`.
        deallocate_content: Boolean, whether to erase locations that are freed.
        usage_gradient: Boolean, whether the usage passes gradients to write weightings.
        training: Boolean, whether to use the hand-written gradients.

    Returns:
        A triple: the read vectors `(B, R, W)`, the dict of new states in the same order,
        and the allocations `(B, V, N)`.
    """
    memory, previous_reads = states["memory"], states["read_weightings"]

    retained = allocation.retention(parameters["free_gate"], previous_reads)  # (B, N)
    written = states["write_weightings"]
    if not usage_gradient:
        written = ops.stop_gradient(written)
    usage = allocation.update_usage(states["usage"], written, retained)  # (B, N)

    write_gate, allocation_gate = parameters["write_gate"], parameters["allocation_gate"]
    allocated = allocation.allocations(usage, write_gate * allocation_gate, training)
    shares = write_gate * ops.concatenate([allocation_gate, 1 - allocation_gate], axis=-1)
    found = _look_up(memory, parameters, "write")
    write_weightings = _mix(shares, [allocated, found])  # (B, V, N)
    if deallocate_content:
        memory = memory * retained[:, None]
    memory = addressing.write(  # (B, W, N)
        memory, write_weightings, parameters["erase"], parameters["write_vector"]
    )

    content = _look_up(memory, parameters, "read")  # (B, R, N)
    new_states = {"write_weightings": write_weightings, "usage": usage, "memory": memory}
    if "links" in states:
        precedence = states["precedence"]
        linked, backward, forward = links.advance(
            states["links"], write_weightings, precedence, previous_reads, training
        )
        precedence = links.update_precedence(precedence, write_weightings)
        new_states |= {"precedence": precedence, "links": linked}
        content = _follow(content, backward, forward, parameters)  # (B, R, N)
    new_states["read_weightings"] = content
    reads = addressing.read(memory, content)  # (B, R, W)
    return reads, {name: new_states[name] for name in states}, allocated


def _look_up(memory, parameters, kind):
    return content_weightings(
        memory,
        parameters[f"{kind}_key"],
        parameters[f"{kind}_strength"],
        parameters.get(f"{kind}_mask"),
    )


def _follow(content, backward, forward, parameters):
    """Mixes what read heads find by content and by links: `b`, `c` and `f`."""
    num_write_heads = backward.shape[1]
    linked = [*ops.unstack(backward, axis=1), *ops.unstack(forward, axis=1)]
    if "link_sharpening" in parameters:
        sharpening = parameters["link_sharpening"]  # (B, R, 2 V)
        linked = [
            links.sharpen(part, sharpening[..., index : index + 1])
            for index, part in enumerate(linked)
        ]
    modes = [*linked[:num_write_heads], content, *linked[num_write_heads:]]
    return _mix(parameters["read_modes"], modes)


def _mix(shares, weightings):
    return ops.matmul(shares[:, :, None], ops.stack(weightings, axis=2))[:, :, 0]
