"""Applies all heads of a Differentiable Neural Computer to its memory in one step.

Axes: B batch, R read heads, V write heads, N memory locations, W width of a location. The
memory is transposed, `(B, W, N)`.
"""

from keras import ops

from keras_nm.layers.dnc import allocation, links
from keras_nm.layers.dnc.content import content_weightings
from keras_nm.layers.ntm import addressing


def access_memory(states, parameters, deallocate_content, usage_gradient):
    """Writes, then reads (Graves et al. 2016, methods).

    Args:
        states: Dict of the states of the step before: `"read_weightings"` `(B, R, N)`,
            `"write_weightings"` `(B, V, N)`, `"usage"` `(B, N)`, `"memory"` `(B, W, N)`,
            and with temporal links `"precedence"` `(B, V, N)` and `"links"`
            `(B, V, N, N)`.
        parameters: Dict of the heads' parameters, see `DNCCell.interface_shapes`.
        deallocate_content: Boolean, whether to erase locations that are freed.
        usage_gradient: Boolean, whether the usage passes gradients to write weightings.

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
    allocated = allocation.allocations(usage, write_gate * allocation_gate)  # (B, V, N)
    write_weightings = write_gate * addressing.interpolate(  # (B, V, N)
        allocated, _look_up(memory, parameters, "write"), allocation_gate
    )
    if deallocate_content:
        memory = memory * retained[:, None]
    memory = addressing.write(  # (B, W, N)
        memory, write_weightings, parameters["erase"], parameters["write_vector"]
    )

    content = _look_up(memory, parameters, "read")  # (B, R, N)
    new_states = {"write_weightings": write_weightings, "usage": usage, "memory": memory}
    if "links" in states:
        precedence = states["precedence"]
        linked = links.update_links(states["links"], write_weightings, precedence)
        precedence = links.update_precedence(precedence, write_weightings)
        new_states |= {"precedence": precedence, "links": linked}
        content = _mix(content, linked, previous_reads, parameters)  # (B, R, N)
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


def _mix(content, linked, previous, parameters):
    """Mixes what read heads find by content and by links: `b`, `c` and `f`."""
    backward, forward = links.follow_links(linked, previous)  # (B, R, V, N)
    if "link_sharpening" in parameters:
        num_write_heads = linked.shape[1]
        sharpening = parameters["link_sharpening"][..., None]  # (B, R, 2 V, 1)
        backward = links.sharpen(backward, sharpening[:, :, :num_write_heads])
        forward = links.sharpen(forward, sharpening[:, :, num_write_heads:])
    modes = ops.concatenate([backward, content[:, :, None], forward], axis=2)
    # (B, R, 1 + 2 V, N)
    return ops.sum(parameters["read_modes"][..., None] * modes, axis=2)  # (B, R, N)
