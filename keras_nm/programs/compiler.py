"""Compiles programs into weights, and reads programs from weights.

In a compiled program, a hidden layer of ReLU units detects which rule matches the
registers. The map to the circuit has large weights from each rule's unit to its choices.
Reading a program runs the controller on every pattern of registers and takes its largest
logits.
"""

import keras
import numpy as np
from keras import ops

from keras_nm.arguments import check_positive
from keras_nm.layers.nram.gates import GATES, kind_of, number_gates
from keras_nm.programs.circuit import (
    ANY,
    POSITIVE,
    ZERO,
    Circuit,
    all_patterns,
    register_names,
)


def settings_of(owner):
    """Returns the arguments that a program shares with the layers and cells it fits."""
    owner = getattr(owner, "cell", owner)
    return {
        "num_registers": owner.num_registers,
        "gates": list(owner.gates),
        "gate_repeats": owner.gate_repeats,
        "num_slots": owner.num_slots,
    }


def read_rules(layer):
    """Reads the circuit for each pattern from a layer's weights, see `from_layer`."""
    cell = _single(layer)
    if not cell.built:
        raise ValueError("The layer has no weights before it is built: call it first")
    if cell.has_recurrent_controller:
        raise ValueError(
            "A program chooses by the registers alone, so the layer must have a "
            f"feed-forward controller. Received: controller={cell.controller!r}"
        )
    patterns = all_patterns(cell.num_registers)
    zeros = [[float(char == ZERO) for char in pattern] for pattern in patterns]
    zeros = ops.convert_to_tensor(zeros, cell.compute_dtype)
    logits, _ = cell.run_controller(zeros, [])
    if not np.all(np.isfinite(ops.convert_to_numpy(logits))):
        raise ValueError(
            "The layer has no program: its choices are not finite numbers, so its training "
            "has probably diverged. Take its weights from before, or train it again"
        )
    choices = {
        name: ops.convert_to_numpy(part) for name, part in cell.split_logits(logits).items()
    }
    return [
        (pattern, _chosen(cell, {name: part[row] for name, part in choices.items()}))
        for row, pattern in enumerate(patterns)
    ]


def _single(layer):
    cell = getattr(layer, "cell", layer)
    if cell.num_replicas is not None:
        raise ValueError(
            f"A layer of {cell.num_replicas} machines has a program for each machine: take "
            "out one machine with layer.replica(index)"
        )
    return cell


def _chosen(cell, choices):
    """Returns the circuit that logits with the shapes in `circuit_shapes` choose."""
    if cell.num_slots is None:
        named = {name: gates[0] for name, gates in cell.slots.items()}
    else:
        named = number_gates([cell.gates[i] for i in choices["gates"].argmax(axis=-1)])
    sources = [*register_names(cell.num_registers), *named]
    gates = {}
    for slot, (name, gate) in zip(cell.slots, named.items(), strict=True):
        chosen = choices[slot].argmax(axis=-1) if gate.num_arguments else []
        gates[name] = [sources[index] for index in chosen[: gate.num_arguments]]
    registers = [sources[index] for index in choices["registers"].argmax(axis=-1)]
    return Circuit(gates, registers, stop=choices["stop"][0] > 0)


def write_rules(program, layer, scale):
    """Sets a layer's weights so that it runs a program, see `Program.into_layer`."""
    scale = check_positive("scale", scale)
    cell = _single(layer)
    if settings_of(cell) != settings_of(program):
        raise ValueError(
            f"The layer must have the program's settings, {settings_of(program)}. "
            f"Received: a layer with {settings_of(cell)}"
        )
    rules = program.rules()
    hidden = _hidden_layers(cell.controller, len(rules))
    circuits = [_logits(program, circuit, cell) for _, circuit in rules]
    if not cell.built:
        cell.build((None, 1))
        cell.built = True

    num_inputs = cell.num_registers
    for index, dense in enumerate(hidden):
        kernel = np.zeros((num_inputs, dense.units))
        bias = np.zeros(dense.units)
        for unit, (pattern, _) in enumerate(rules):
            if index == 0:
                # 1 if the rule matches every register, otherwise at most 0.
                kernel[:, unit] = [{ZERO: 1, POSITIVE: -1, ANY: 0}[c] for c in pattern]
                bias[unit] = 1 - pattern.count(ZERO)
            else:
                kernel[unit, unit] = 1
        dense.set_weights([kernel, bias])
        num_inputs = dense.units

    kernel = np.zeros((num_inputs, cell.circuit_map.units))
    kernel[: len(rules)] = scale * np.array(circuits)
    cell.circuit_map.set_weights([kernel, np.zeros(cell.circuit_map.units)])


def _logits(program, circuit, cell):
    """Returns a flat array in the order of `circuit_shapes`: 1 for a circuit's choices."""
    slots, arguments = _fill_slots(program, circuit)
    sources = [*register_names(program.num_registers), *slots]
    chosen = {
        **dict(zip(cell.slots, arguments, strict=True)),
        "registers": circuit.registers,
        "gates": [gate.name for gate in slots.values()],
    }
    parts = []
    for name, shape in cell.circuit_shapes.items():
        if name == "stop":
            parts.append([1 if circuit.stop else -1])
            continue
        choices = list(program.gates) if name == "gates" else sources
        part = np.zeros(shape)
        for row, choice in enumerate(chosen[name]):
            part[row, choices.index(choice)] = 1
        parts.append(part.ravel())
    return np.concatenate(parts)


def _fill_slots(program, circuit):
    """Returns a dict of the gates in all slots, used or not, and their arguments."""
    used = dict(circuit.gates)
    slots = program.sequence
    if program.num_slots is not None:
        kinds = [kind_of(name) for name in used]
        harmless = [name for name in program.gates if not GATES[name].writes]
        if len(kinds) < program.num_slots and not harmless:
            raise ValueError(
                "A slot that is not used needs a gate that does not write, but all gates "
                "of the program write"
            )
        kinds += harmless[:1] * (program.num_slots - len(kinds))
        slots = number_gates(kinds)
    arguments = []
    harmless_write = None  # a pointer, and the source of its cell's content
    for name, gate in slots.items():
        inputs = used.get(name)
        if gate.writes and inputs is None:
            if harmless_write is None:
                raise ValueError(
                    f"{name} writes in every step. Where it is not used, it must write the "
                    "content that its cell already has. It can get this from a READ before "
                    f"it, but there is none in {list(slots)}"
                )
            inputs = harmless_write
        elif gate.writes:
            harmless_write = inputs
        elif inputs is None:
            inputs = ["r1"] * gate.num_arguments
        if gate.name == "READ":
            harmless_write = (inputs[0], name)
        arguments.append(inputs)
    return slots, arguments


def _hidden_layers(controller, num_rules):
    """Returns a controller's Dense layers, or raises an error if the rules do not fit."""
    sequential = isinstance(controller, keras.Sequential)
    layers = controller.layers if sequential else [controller]
    allowed = [keras.activations.relu, keras.activations.linear]
    if (
        not all(isinstance(x, keras.layers.Dense) and x.use_bias for x in layers)
        or not all(dense.activation in allowed for dense in layers)
        or layers[0].activation is not keras.activations.relu
        or min(dense.units for dense in layers) < num_rules
    ):
        described = [
            (type(x).__name__, getattr(x, "units", None), getattr(x, "activation", None))
            for x in layers
        ]
        raise ValueError(
            "The controller must be a keras.layers.Dense, or a keras.Sequential of them, "
            f"with ReLU activations, biases and at least {num_rules} units, one per rule. "
            f"Received: {described}"
        )
    return layers
