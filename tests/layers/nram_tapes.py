"""The ten tasks of the Neural Random-Access Machine in plain Python: the tests' oracle.

For each task a `make_` function draws a tape, and a `solve_` function gives the cells
that the task asks for, as a dict from address to value, and the number of steps that the
task's program takes. What is solved is the task: no program and no circuit is run.
"""

import numpy as np

# Fewer elements make no tape, where it is not 1: merge has one at least in each array.
SMALLEST_SIZE = {"merge": 2}


def sample(name, rng, size, num_cells):
    """One random tape of a task.

    Returns:
        The tape, the tape with the answer in it, a mask that is 1 in the cells of the
        answer, all lists of `num_cells` integers, and how many steps the program takes.
    """
    if num_cells < smallest_tape(name, size):
        raise ValueError(f"{name} of size {size} does not fit into {num_cells} cells")
    tape = [int(value) for value in MAKE[name](rng, size, num_cells)]
    tape += [0] * (num_cells - len(tape))
    cells, num_steps = SOLVE[name](tape)
    answer = [cells.get(address, value) for address, value in enumerate(tape)]
    return tape, answer, [int(address in cells) for address in range(num_cells)], num_steps


def smallest_tape(name, size):
    """How many cells a tape has at least, whatever is drawn."""
    return {
        "access": size + 2,
        "increment": size + 1,
        "copy": 2 * size + 1,
        "reverse": 2 * size + 1,
        "swap": size + 3,
        "permutation": 2 * size + 1,
        "list_k": 2 * size + 4,
        "list_search": 2 * size + 4,
        "merge": 2 * size + 5,
        "walk_bst": 4 * size + 3,  # a path of size - 1 steps, in a tree without forks
    }[name]


def until_null(tape, start):
    """The addresses from `start` to the one before the next 0."""
    end = start
    while tape[end] != 0:
        end += 1
    return range(start, end)


def make_access(rng, size, num_cells):
    return [rng.integers(1, size + 1), *rng.integers(1, num_cells, size)]


def solve_access(tape):
    return {0: tape[tape[0]]}, 2


def make_increment(rng, size, num_cells):
    return rng.integers(1, num_cells, size)


def solve_increment(tape):
    array = until_null(tape, 0)
    return {i: (tape[i] + 1) % len(tape) for i in array}, len(array)


def make_copy(rng, size, num_cells):
    return [size + 1, *rng.integers(0, num_cells, size)]


def solve_copy(tape):
    array = tape[1 : tape[0]]
    return {tape[0] + i: value for i, value in enumerate(array)}, 2 * len(array)


def solve_reverse(tape):
    array = tape[1 : tape[0]]
    return {tape[0] + i: v for i, v in enumerate(reversed(array))}, len(array) + 1


def make_swap(rng, size, num_cells):
    return [*rng.integers(2, size + 2, 2), *rng.integers(1, num_cells, size)]


def solve_swap(tape):
    p, q = tape[:2]
    # Not the header: the paper's program puts a value aside in it.
    cells = {i: tape[i] for i in until_null(tape, 2)}
    return {**cells, p: tape[q], q: tape[p]}, 3


def make_permutation(rng, size, num_cells):
    return [size + 1, *rng.permutation(size), *rng.integers(0, num_cells, size)]


def solve_permutation(tape):
    a = tape[0]
    return {i: tape[a + tape[i]] for i in range(1, a)}, a + 1


def make_nodes(rng, tape, first_cell, size, node_size):
    """Addresses for nodes, and one behind the header and outside them for the answer.

    Every way to place the nodes behind the header is equally likely.
    """
    num_places = len(tape) - first_cell - size * (node_size - 1)
    places = np.sort(rng.choice(num_places, size, replace=False))
    nodes = first_cell + places + np.arange(size) * (node_size - 1)
    taken = {int(node) + i for node in nodes for i in range(node_size)}
    taken |= set(range(first_cell))
    out = rng.choice([address for address in range(len(tape)) if address not in taken])
    return [int(node) for node in rng.permutation(nodes)], int(out)


def make_list(rng, tape, size, values):
    """Puts a list of random values on the tape. Returns its nodes, and where to answer."""
    nodes, out = make_nodes(rng, tape, 3, size, node_size=2)
    for node, following in zip(nodes, [*nodes[1:], 0], strict=True):
        tape[node : node + 2] = [following, rng.choice(values)]
    return nodes, out


def make_list_k(rng, size, num_cells):
    tape = [0] * num_cells
    nodes, out = make_list(rng, tape, size, values=num_cells)
    return [nodes[0], rng.integers(size), out, *tape[3:]]


def solve_list_k(tape):
    node, k, out = tape[:3]
    for _ in range(k):
        node = tape[node]
    return {out: tape[node + 1]}, k + 2


def make_list_search(rng, size, num_cells):
    tape = list(rng.integers(0, num_cells, num_cells))
    # Few different values make a search find the first of many, many a search that lasts.
    values = rng.integers(0, num_cells, rng.integers(1, 2 * size + 1))
    nodes, out = make_list(rng, tape, size, values)
    return [nodes[0], tape[rng.choice(nodes) + 1], out, *tape[3:]]


def solve_list_search(tape):
    node, value, out = tape[:3]
    num_nodes = 1
    while tape[node + 1] != value:
        node = tape[node]
        num_nodes += 1
    return {out: node}, num_nodes + 2


def make_merge(rng, size, num_cells):
    guardian = num_cells - 1
    size_a = rng.integers(1, size)
    values = rng.integers(rng.integers(guardian), guardian, size)
    array_a, array_b = np.sort(values[:size_a]), np.sort(values[size_a:])
    header = [3, size_a + 4, size + 5]
    return [*header, *array_a, guardian, *array_b, guardian]


def solve_merge(tape):
    a, b, o = tape[:3]
    merged = sorted(tape[a : b - 1] + tape[b : o - 1])
    return {o + i: value for i, value in enumerate(merged)}, len(merged) + 3


def make_walk_bst(rng, size, num_cells):
    # From a tree where any place is as likely as another to one that hardly forks.
    straightness = rng.random()
    free, paths = [], [[]]
    for child in range(1, size):
        free += [(child - 1, 1), (child - 1, 2)]
        newest = rng.random() < straightness
        index = len(free) - rng.integers(1, 3) if newest else rng.integers(len(free))
        parent, direction = free.pop(index)
        paths.append(paths[parent] + [direction])

    path = paths[rng.integers(size)]
    header = [0, 0, *path, 0]
    tape = header + [0] * (num_cells - len(header))
    nodes, out = make_nodes(rng, tape, len(header), size, node_size=3)
    address = {tuple(path): node for path, node in zip(paths, nodes, strict=True)}
    for path, node in address.items():
        children = [address.get((*path, direction), 0) for direction in (1, 2)]
        tape[node : node + 3] = [rng.integers(num_cells), *children]
    return [nodes[0], out, *tape[2:]]


def solve_walk_bst(tape):
    node, out = tape[:2]
    path = [tape[i] for i in until_null(tape, 2)]
    for direction in path:
        node = tape[node + direction]
    return {out: tape[node]}, len(path) + 2


MAKE = {
    "access": make_access,
    "increment": make_increment,
    "copy": make_copy,
    "reverse": make_copy,
    "swap": make_swap,
    "permutation": make_permutation,
    "list_k": make_list_k,
    "list_search": make_list_search,
    "merge": make_merge,
    "walk_bst": make_walk_bst,
}

SOLVE = {
    "access": solve_access,
    "increment": solve_increment,
    "copy": solve_copy,
    "reverse": solve_reverse,
    "swap": solve_swap,
    "permutation": solve_permutation,
    "list_k": solve_list_k,
    "list_search": solve_list_search,
    "merge": solve_merge,
    "walk_bst": solve_walk_bst,
}
