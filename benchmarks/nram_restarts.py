"""Learns to merge by drawing the undecided choices of a circuit again.

    python benchmarks/nram_restarts.py --output runs/merge_restarts

The machines of the recipe get spare gates. A population of them trains together, with
the registers of the recipe's program. Then the best one is copied into all others. In each
copy, the choice that is least certain is drawn again, and so are those that depend on it
and, rarely, any other. All are trained for some steps more. This is repeated until the
discrete machine of the best one has no wrong cell on the validation set.

Each population prints its rounds, then the errors of its best machine on the test split,
and its program. The weights are left in the folder. After an interruption, a population
begins again.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import argparse
import copy
import dataclasses
import time
from pathlib import Path

import keras
import numpy as np

from keras_nm.programs import Program
from keras_nm.runs.evaluation import repeated
from keras_nm.runs.run import learning_callbacks
from keras_nm.training import RECIPES

# Those of the recipe. Gates that move a pointer, compare or choose are there once more.
GATES = [
    *("ZERO", "ONE", "TWO", "READ", "READ", "READ", "INC", "INC", "MIN", "MIN"),
    *("LESS-OR-EQUAL", "LESS-OR-EQUAL", "LESS-THAN", "LESS-THAN", "ADD", "ADD", "ADD"),
    "WRITE",
]
# A choice is decided if one option has so much of it, in the mean over all steps.
DECIDED = 0.9
# How likely a choice is drawn again: near the one that is least certain, elsewhere, and
# anywhere if all choices are decided.
NEAR, FAR, ANYWHERE = 0.8, 0.03, 0.15


def recipe_of(steps, *, first):
    """The recipe of merge with spare gates, for the first training or for a later one."""
    recipe = RECIPES["nram/merge"]["nram"]
    layer, optimizer = copy.deepcopy((recipe.layer, recipe.optimizer))
    layer["config"]["gates"] = GATES
    half_life = 300
    if not first:
        optimizer["config"]["learning_rate"] = 0.01
        layer["config"]["entropy_weight"], half_life = -1.0, 100
    schedule = {"half_life": half_life, "penalty": 1.0, "penalty_from": steps - 100}
    return dataclasses.replace(
        recipe,
        layer=layer,
        optimizer=optimizer,
        epochs=steps // recipe.steps_per_epoch,
        callbacks={"entropy_schedule": schedule},
    )


def machine_of(recipe):
    return recipe.build().get_layer("machine")


def train(recipe, machines, seeds):
    """Trains machines together. Returns them and their errors on the validation set."""
    model = recipe.build(num_replicas=len(machines))
    population = model.get_layer("machine")
    for index, machine in enumerate(machines):
        population.assign_replica(index, machine)
    curriculum = recipe.make_curriculum(num_replicas=len(machines))
    validation = repeated(recipe.validation_set(), len(machines))
    data = recipe.made_task.dataset(
        recipe.batch_size, seed=seeds, draw_lengths=curriculum and curriculum.draw_lengths
    )
    model.fit(
        data,
        steps_per_epoch=recipe.steps_per_epoch,
        epochs=recipe.epochs,
        callbacks=learning_callbacks(recipe, model, validation, curriculum),
        shuffle=False,
        verbose=0,
    )
    errors = model.evaluate(validation, return_dict=True, verbose=0)["wrong_cells"]
    single = machine_of(recipe)
    weights = [population.replica(index).get_weights() for index in range(len(machines))]
    keras.backend.clear_session()
    return single, weights, np.asarray(errors)


def blocks_of(cell):
    """The columns of the circuit map by name: those of each gate, and of each register."""
    blocks, start = {}, 0
    for name, shape in cell.circuit_shapes.items():
        if name == "registers":
            for index in range(shape[0]):
                blocks[f"r{index + 1}"] = (start, start + shape[1])
                start += shape[1]
        elif name != "stop":
            blocks[name] = (start, start + int(np.prod(shape)))
            start += int(np.prod(shape))
    return blocks


def uses_of(machine, tape):
    """The names of all choices, and the share of each option (B, T, S + R, 2, R + S)."""
    cell, trace = machine.cell, machine.trace(tape)
    # A missing argument is 0 everywhere.
    slots = np.asarray(trace["argument_selection"])  # (B, T, S, 2, R + S)
    registers = np.asarray(trace["register_selection"])[
        :, :, :, None
    ]  # (B, T, R, 1, R + S)
    registers = np.pad(registers, [(0, 0)] * 3 + [(0, 1), (0, 0)])
    names = [*cell.slots, *(f"r{index + 1}" for index in range(cell.num_registers))]
    return names, np.concatenate([slots, registers], axis=2)


def undecided(machine, tape):
    """The least certain choice and those that depend on it, or none if all are decided."""
    names, shares = uses_of(machine, tape)
    num_registers = machine.cell.num_registers
    means = shares.mean((0, 1))  # (S + R, 2, R + S)
    # Whether a choice is made by an option: the outputs of slots come behind registers.
    depends = means[:, :, num_registers:].max(1) > 0.3  # (S + R, S)
    used = np.array([name.startswith("WRITE") or name[0] == "r" for name in names])
    for _ in names:
        used[: depends.shape[1]] |= depends[used].any(0)
    is_choice = used[:, None] & (means.sum(-1) > 0.5)
    certainty = np.where(is_choice, shares.max(-1).mean((0, 1)), 1.0)  # (S + R, 2)
    index = int(certainty.min(-1).argmin())
    if certainty[index].min() > DECIDED:
        return set()
    near = {names[index]}
    if index < depends.shape[1]:
        near |= {names[other] for other in np.flatnonzero(depends[:, index])}
    return near


def drawn_again(weights, cell, names, rng):
    """The weights with the choices of these names as in a machine that begins."""
    *others, kernel, bias = (x.copy() for x in weights)
    limit = np.sqrt(6 / sum(kernel.shape))
    for name in names:
        first, last = blocks_of(cell)[name]
        kernel[:, first:last] = rng.uniform(-limit, limit, (len(kernel), last - first))
        bias[first:last] = 0
    return [*others, kernel, bias]


def learn(population, options):
    """Runs the rounds of one population. Returns its best machine."""
    rng = np.random.default_rng(population)
    size, started = options.size, time.monotonic()
    recipe = recipe_of(options.steps, first=True)
    seeds = [population * size + index for index in range(size)]
    machines = []
    for seed in seeds:
        keras.utils.set_random_seed(seed)
        machines.append(machine_of(recipe))
    validation = next(recipe.validation_set().as_numpy_iterator())
    near = set()
    for number in range(options.rounds + 1):
        seeds = [seed + 10_000 * number for seed in seeds]
        single, weights, errors = train(recipe, machines, seeds)
        best = weights[int(np.argmin(errors))]
        single.set_weights(best)
        tape, answer, cells = validation
        steps = recipe.made_task.num_steps
        wrong = np.asarray(single.run_integers(tape, steps)["tape"]) != answer
        discrete = float(np.mean(wrong[cells > 0]))
        known = ", ".join(f"{100 * error:.1f}" for error in np.sort(errors)[:4])
        print(
            f"population {population}, round {number}: % of wrong cells {known}, best one "
            f"discrete {100 * discrete:.1f}; drawn again: {sorted(near) or 'any'}; "
            f"{time.monotonic() - started:.0f} s",
            flush=True,
        )
        if discrete == 0:
            break
        recipe = recipe_of(options.more_steps, first=False)
        near = undecided(single, tape)
        names = list(blocks_of(single.cell))
        rates = [(NEAR if x in near else FAR) if near else ANYWHERE for x in names]
        machines = []
        for index in range(size):
            chosen = [x for x, p in zip(names, rates, strict=True) if rng.random() < p]
            machine = machine_of(recipe)
            # The first copy goes on as it is.
            new = drawn_again(best, single.cell, chosen, rng) if index else best
            machine.set_weights(new)
            machines.append(machine)
    return single


def report(single):
    """Prints the errors on the test split, and the program."""
    program = Program.from_layer(single)
    task = RECIPES["nram/merge"]["nram"].made_task
    for length in (6, 20, 50):
        longer = task.with_room_for(length, length)
        batch = longer.dataset(128, split="test").take(1)
        [(tape, answer, cells)] = batch.as_numpy_iterator()
        soft = np.argmax(np.asarray(single(tape, num_steps=longer.num_steps)), axis=-1)
        discrete = program.run(tape, num_steps=longer.num_steps)
        wrong = (np.mean((x != answer)[cells > 0]) for x in (soft, discrete))
        print(
            length,
            "values, % of wrong cells: soft {:.2f}, discrete {:.2f}".format(
                *(100 * x for x in wrong)
            ),
            flush=True,
        )
    print(program, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--first-population", type=int, default=0)
    parser.add_argument("--populations", type=int, default=3)
    parser.add_argument("--size", type=int, default=32)
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--more-steps", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--output", type=Path, default=Path("runs/merge_restarts"))
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    first = options.first_population
    for population in range(first, first + options.populations):
        path = options.output / f"population-{population}.npz"
        if path.exists():
            continue
        single = learn(population, options)
        report(single)
        np.savez(path, *single.get_weights())


if __name__ == "__main__":
    main()
