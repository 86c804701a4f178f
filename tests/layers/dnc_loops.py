"""The Differentiable Neural Computer as slow NumPy loops: the oracle of the layer's tests.

Written from the equations of the paper, one sample and one location at a time.
"""

import math

import numpy as np
from ntm_loops import lstm, sigmoid, softmax, softplus

ACTIVATIONS = {"linear": lambda x: x, "sigmoid": sigmoid, "tanh": np.tanh}


def oneplus(x):
    return 1 + softplus(x)


def sorted_allocation(usage, parts=None):
    """The paper's form: down a list of locations, the least used first.

    With `parts`, the list is sorted by whole parts of the exponential of the usage.
    """
    usage = [1e-6 + (1 - 1e-6) * u for u in usage]
    keys = usage if parts is None else [math.floor(parts * math.exp(u)) for u in usage]
    free_list = sorted(range(len(usage)), key=lambda i: (keys[i], i))
    result, product = np.zeros(len(usage)), 1.0
    for location in free_list:
        result[location] = (1 - usage[location]) * product
        product *= usage[location]
    return result


def content_weighting(memory, key, strength, mask):
    key = key * mask
    cosines = []
    for row in memory:
        masked = row * mask
        norms = np.linalg.norm(key) * np.linalg.norm(masked)
        cosines.append(key @ masked / norms if norms > 0 else 0.0)
    return softmax(strength * np.array(cosines))


def update_links(links, write, precedence):
    size = len(write)
    result = np.zeros((size, size))
    for i in range(size):
        for j in range(size):
            if i != j:
                kept = (1 - write[i] - write[j]) * links[i, j]
                result[i, j] = kept + write[i] * precedence[j]
    return result


def sharpened(weighting, power):
    weighting = weighting + 1e-6
    powers = (weighting / weighting.max()) ** power
    return powers / powers.sum()


def run_dnc(sequence, layer):
    """Runs one sequence `(T, features)` through the weights of a DNC with an LSTM.

    Returns a list of dicts, one per step.
    """
    cell = layer.cell
    R, V = cell.num_read_heads, cell.num_write_heads
    N, W = cell.memory_shape
    controller_weights = [w.numpy() for w in cell.controller.weights]
    interface_kernel, interface_bias = (w.numpy() for w in cell.interface_map.weights)
    output_kernel, output_bias = (w.numpy() for w in cell.output_map.weights)
    strength = {"oneplus": oneplus, "softplus": softplus}[cell.key_strength_activation]
    on_keys = ACTIVATIONS[cell.key_activation.__name__]
    on_written = ACTIVATIONS[cell.write_activation.__name__]
    on_output = ACTIVATIONS[cell.activation.__name__]

    memory = np.full((N, W), 1e-6 if cell.initial_memory == "constant" else 0.0)
    usage = np.zeros(N)
    reads, read_weightings = np.zeros((R, W)), np.zeros((R, N))
    write_weightings, precedence = np.zeros((V, N)), np.zeros((V, N))
    links = np.zeros((V, N, N))
    h = c = np.zeros(cell.controller.units)

    steps = []
    for x in sequence:
        h, c = lstm(np.concatenate([x, reads.ravel()]), h, c, controller_weights)
        raw = h @ interface_kernel + interface_bias
        if cell.parameter_clip is not None:
            raw = np.clip(raw, -cell.parameter_clip, cell.parameter_clip)
        raw = list(raw)

        def take(count, raw=raw):
            taken = np.array(raw[:count])
            del raw[:count]
            return taken

        read_keys = [on_keys(take(W)) for _ in range(R)]
        read_strengths = [strength(take(1)[0]) for _ in range(R)]
        write_keys = [on_keys(take(W)) for _ in range(V)]
        write_strengths = [strength(take(1)[0]) for _ in range(V)]
        erases = [sigmoid(take(W)) for _ in range(V)]
        vectors = [on_written(take(W)) for _ in range(V)]
        free_gates = sigmoid(take(R))
        allocation_gates = sigmoid(take(V))
        write_gates = sigmoid(take(V))
        modes = [[0, 1, 0]] * R
        if cell.temporal_links:
            modes = [softmax(take(1 + 2 * V)) for _ in range(R)]
        read_masks, write_masks = [np.ones(W)] * R, [np.ones(W)] * V
        if cell.content_mask:
            least = cell.mask_minimum
            read_masks = [least + (1 - least) * sigmoid(take(W)) for _ in range(R)]
            write_masks = [least + (1 - least) * sigmoid(take(W)) for _ in range(V)]
        powers = None
        if cell.link_sharpening:
            powers = [[oneplus(v) for v in take(2 * V)] for _ in range(R)]
        assert not raw

        retained = np.ones(N)
        for i in range(N):
            for r in range(R):
                retained[i] *= 1 - free_gates[r] * read_weightings[r, i]
            unwritten = 1.0
            for v in range(V):
                unwritten *= 1 - write_weightings[v, i]
            written = 1 - unwritten
            usage[i] = (usage[i] + written - usage[i] * written) * retained[i]

        simulated, allocations, new_write_weightings = usage.copy(), [], []
        for v in range(V):
            # By the exact order, rounding would decide between locations that are alike.
            allocated = sorted_allocation(simulated, parts=4096)
            found = content_weighting(
                memory, write_keys[v], write_strengths[v], write_masks[v]
            )
            g_a, g_w = allocation_gates[v], write_gates[v]
            new_write_weightings.append(g_w * (g_a * allocated + (1 - g_a) * found))
            allocations.append(allocated)
            simulated = simulated + (1 - simulated) * g_a * g_w * allocated
        write_weightings = np.array(new_write_weightings)

        memory = memory.copy()
        for i in range(N):
            if cell.deallocate_content:
                memory[i] = memory[i] * retained[i]
            for v in range(V):
                memory[i] = memory[i] * (1 - write_weightings[v, i] * erases[v])
            for v in range(V):
                memory[i] = memory[i] + write_weightings[v, i] * vectors[v]

        new_read_weightings = np.zeros((R, N))
        if cell.temporal_links:
            links = np.array(
                [
                    update_links(*of_head)
                    for of_head in zip(links, write_weightings, precedence, strict=True)
                ]
            )
            precedence = np.array(
                [
                    (1 - w.sum()) * p + w
                    for w, p in zip(write_weightings, precedence, strict=True)
                ]
            )
        for r in range(R):
            content = content_weighting(
                memory, read_keys[r], read_strengths[r], read_masks[r]
            )
            backward = [head.T @ read_weightings[r] for head in links]
            forward = [head @ read_weightings[r] for head in links]
            if powers is not None:
                backward = [sharpened(*x) for x in zip(backward, powers[r], strict=False)]
                forward = [sharpened(*x) for x in zip(forward, powers[r][V:], strict=True)]
            found = [content]
            if cell.temporal_links:
                found = [*backward, content, *forward]
            else:
                modes[r] = [1]
            for share, weighting in zip(modes[r], found, strict=True):
                new_read_weightings[r] += share * weighting
        read_weightings = new_read_weightings
        reads = read_weightings @ memory
        output = np.concatenate([h, reads.ravel()]) @ output_kernel + output_bias
        step = {
            "output": on_output(output),
            "reads": reads,
            "read_weightings": read_weightings,
            "write_weightings": write_weightings,
            "usage": usage.copy(),
            "allocation": np.array(allocations),
            "memory": memory,
            "read_key": np.array(read_keys),
            "read_strength": np.array(read_strengths)[:, None],
            "write_key": np.array(write_keys),
            "write_strength": np.array(write_strengths)[:, None],
            "erase": np.array(erases),
            "write_vector": np.array(vectors),
            "free_gate": free_gates[:, None],
            "allocation_gate": allocation_gates[:, None],
            "write_gate": write_gates[:, None],
        }
        if cell.content_mask:
            step |= {"read_mask": np.array(read_masks), "write_mask": np.array(write_masks)}
        if cell.link_sharpening:
            step["link_sharpening"] = np.array(powers)
        if cell.temporal_links:
            step |= {"precedence": precedence, "links": links}
            step["read_modes"] = np.array(modes)
        steps.append(step)
    return steps
