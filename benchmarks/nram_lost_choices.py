"""Asks how many choices of a program a machine can find again, from answers alone.

    python benchmarks/nram_lost_choices.py

A program is written into the weights of machines that train together. In each machine,
some of the program's choices are lost: their weights are those of a machine that begins.
Training has the answers and nothing else. The table has the share of machines without a
wrong cell on the validation set at the end.

A choice is where an argument of a gate, or a register, comes from.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import argparse
import copy

import keras
import numpy as np
from nram_restarts import drawn_again, lasting, machine_of, train

from keras_nm.programs import PROGRAMS
from keras_nm.programs.solutions import LIST_SEARCH_IN_ONE_CIRCUIT, MERGE_IN_ONE_CIRCUIT
from keras_nm.training import RECIPES

# Of these two, the programs that their recipes know.
PROGRAMS_OF = {
    **PROGRAMS,
    "list_search": LIST_SEARCH_IN_ONE_CIRCUIT,
    "merge": MERGE_IN_ONE_CIRCUIT,
}
# The size of the logits: options that are chosen have more than 0.99.
SCALE = 8.0


def recipe_of(task, steps):
    """The task's recipe, for a machine that runs the task's program."""
    recipe, program = RECIPES[f"nram/{task}"]["nram"], PROGRAMS_OF[task]
    layer, optimizer = copy.deepcopy((recipe.layer, recipe.optimizer))
    layer["config"].pop("register_loss", None)
    layer["config"] |= {
        "num_registers": program.num_registers,
        "gates": list(program.gates),
        "gate_repeats": program.gate_repeats,
        "num_steps": recipe.made_task.num_steps + 1,
        "entropy_weight": -1.0,
    }
    optimizer["config"]["learning_rate"] = 0.01
    schedule = {"half_life": 100, "penalty": 1.0, "penalty_from": steps - 100}
    return lasting(recipe, steps, layer, optimizer, schedule)


def choices_of(program, cell):
    """The columns of the circuit map for each choice that a rule of the program makes."""
    used = {
        (gate, index)
        for _, circuit in program.rules()
        for gate, arguments in circuit.gates
        for index in range(len(arguments))
    }
    used |= {("registers", index) for index in range(program.num_registers)}
    columns, start = [], 0
    for name, shape in cell.circuit_shapes.items():
        num_choices, num_options = (1, 1) if name == "stop" else shape
        for index in range(num_choices):
            if (name, index) in used:
                columns.append((start, start + num_options))
            start += num_options
    return columns


def found_again(task, num_lost, options):
    """The share of machines that are right at the end of training."""
    recipe, program = recipe_of(task, options.steps), PROGRAMS_OF[task]
    machines = []
    rng = np.random.default_rng(num_lost)
    for seed in range(options.machines):
        keras.utils.set_random_seed(seed)
        machine = machine_of(recipe)
        program.into_layer(machine, SCALE)
        choices = choices_of(program, machine.cell)
        lost = rng.choice(len(choices), min(num_lost, len(choices)), replace=False)
        blocks = [choices[index] for index in lost]
        machine.set_weights(drawn_again(machine.get_weights(), blocks, rng))
        machines.append(machine)
    _, _, errors = train(recipe, machines, list(range(options.machines)))
    return float(np.mean(errors == 0)), len(choices)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--tasks", nargs="+", default=list(PROGRAMS_OF), choices=PROGRAMS_OF
    )
    parser.add_argument("--lost", nargs="+", type=int, default=[0, 1, 2, 3, 4, 6, 8])
    parser.add_argument("--machines", type=int, default=32)
    parser.add_argument("--steps", type=int, default=400)
    options = parser.parse_args()
    print("| task | choices |", " | ".join(f"{lost} lost" for lost in options.lost), "|")
    print("|---|--:|" + "--:|" * len(options.lost))
    for task in options.tasks:
        results = [found_again(task, lost, options) for lost in options.lost]
        shares = " | ".join(f"{100 * share:.0f} %" for share, _ in results)
        print(f"| {task} | {results[0][1]} |", shares, "|", flush=True)


if __name__ == "__main__":
    main()
