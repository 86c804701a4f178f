"""Reads the structure of the package off its source: `python tests/structure.py` prints it.

Rooms are the modules and packages right inside `keras_nm`, and the command line, which is
a package beside it. A question is a place outside the layers and the table of machines that
asks which machine, or which family of tasks, it has before it.
"""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[1]
COMMAND_LINE = "keras_nm_cli"

# From the ground up. Each room may import from the rooms before it.
ROOMS = (
    *("version", "arguments", "files", "keras_internals"),
    *("layers", "programs", "metrics", "optimizers", "tasks", "machines"),
    *("plots", "callbacks", "runs", "recipes", "training"),
    *("export", "page", "serving", "__init__", COMMAND_LINE),
)

# Classes of machines and of families of tasks, and the names that stand for them.
MACHINES = {"NTM", "DNC", "NRAM", "StackRNN", "TapeRNN", "NeuralGPU", "NPI"}
CLASSES = {
    *MACHINES,
    *(f"{name}Cell" for name in MACHINES),
    *("MachineCell", "MachineLayer", "IntegerMachine"),
    *("SequenceTask", "TapeTask", "TokenTask"),
}
FAMILIES = {"ntm", "dnc", "nram", "stack", "chomsky", "neural_gpu", "npi"}
NAMES = {
    *CLASSES,
    *(FAMILIES - {"stack"}),  # which is also a word
    *(f"{name}/" for name in FAMILIES),
    "lstm",
    *("bits_per_sequence", "wrong_bits_per_sequence", "wrong_cells"),
}
# Rooms that know no shapes of tensors.
WITHOUT_SHAPES = {"callbacks", "runs", "recipes", "page", COMMAND_LINE}


def modules():
    """All modules of both packages: from dotted names to paths."""
    found = {}
    for package in ("keras_nm", COMMAND_LINE):
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts).removesuffix(".__init__")] = path
    return found


def room_of(module):
    """The room of a module."""
    package, *parts = module.split(".")
    return COMMAND_LINE if package == COMMAND_LINE else (*parts, "__init__")[0]


def imports():
    """From each module to the modules that it imports, at the top or in functions."""
    known = modules()
    graph = {}
    for module, path in known.items():
        found = set()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                # What is imported from a package may be a module of it.
                inside = {f"{node.module}.{alias.name}" for alias in node.names}
                submodules = inside & set(known)
                found |= submodules if len(submodules) == len(inside) else {node.module}
                found |= submodules
        graph[module] = (found & set(known)) - {module}
    return graph


def arrows_up():
    """The imports from a room of one that is above it."""
    order = {room: index for index, room in enumerate(ROOMS)}
    return sorted(
        f"{module} -> {target}"
        for module, targets in imports().items()
        for target in targets
        if order[room_of(target)] > order[room_of(module)]
    )


def circles():
    """The modules that import themselves by way of others."""
    graph = imports()

    def reachable(start):
        seen, waiting = set(), list(graph[start])
        while waiting:
            module = waiting.pop()
            if module not in seen:
                seen.add(module)
                waiting += graph[module]
        return seen

    return sorted(module for module in graph if module in reachable(module))


def questions():
    """Where the package asks which machine it is, outside the layers and the table."""
    found = []
    for module, path in modules().items():
        if room_of(module) not in ("layers", "machines"):
            shapes = room_of(module) in WITHOUT_SHAPES
            found += [
                f"{path.relative_to(ROOT)}:{line}"
                for line in questions_in(path.read_text(), shapes)
            ]
    return found


def questions_in(source, shapes=True):
    """The lines of a source that ask a question."""
    lines = set()
    for node in ast.walk(ast.parse(source)):
        if (isinstance(node, ast.Call) and _asks(node)) or (
            isinstance(node, ast.Compare) and _compares(node, shapes)
        ):
            lines.add(node.lineno)
    return sorted(lines)


def _asks(call):
    name = getattr(call.func, "id", getattr(call.func, "attr", ""))
    if name in ("isinstance", "issubclass"):
        return bool(_names_in(call.args[1]) & CLASSES)
    if name in ("startswith", "endswith", "removeprefix"):
        return bool(_names_in(call) & NAMES)
    return False


def _compares(node, shapes):
    if _names_in(node) & NAMES or "class_name" in _names_in(node):
        return True
    ranks = ("ndim", "rank")
    calls = [each for each in ast.walk(node) if isinstance(each, ast.Call)]
    return shapes and (
        any(getattr(c.func, "attr", "") in ranks for c in calls)
        or any(isinstance(a, ast.Attribute) and a.attr in ranks for a in ast.walk(node))
    )


def _names_in(node):
    names = set()
    for each in ast.walk(node):
        if isinstance(each, ast.Name):
            names.add(each.id)
        elif isinstance(each, ast.Attribute):
            names.add(each.attr)
        elif isinstance(each, ast.Constant) and isinstance(each.value, str):
            names.add(each.value)
    return names


def lines():
    """From each module to the number of its lines."""
    return {name: len(path.read_text().splitlines()) for name, path in modules().items()}


def main():
    graph = imports()
    for room in ROOMS:
        targets = {
            room_of(target)
            for module in graph
            if room_of(module) == room
            for target in graph[module]
        }
        below = [other for other in ROOMS if other in targets - {room}]
        print(f"{room:16s} imports {', '.join(below) or 'nothing'}")
    print(f"arrows back up: {len(arrows_up())}", *arrows_up(), sep="\n  ")
    print(f"modules in circles: {len(circles())}", *circles(), sep="\n  ")
    print(f"questions which machine it is: {len(questions())}", *questions(), sep="\n  ")
    largest = sorted(lines().items(), key=lambda item: -item[1])[:8]
    print("largest files: " + ", ".join(f"{module} {count}" for module, count in largest))


if __name__ == "__main__":
    main()
