"""Learns to merge by drawing the undecided choices of a circuit again.

    python benchmarks/nram_restarts.py --output runs/merge_restarts

The machines of the recipe get spare gates. A population of them trains together, with
the registers of the recipe's program, or with --from-answers without them. Then the best
one is copied into all others. In each copy, the choice that is least certain is drawn
again, and so are those that depend on it and, rarely, any other. All are trained for some
steps more. This is repeated until the discrete machine of the best one has no wrong cell in
the first batch of the validation set.

Each population prints its rounds, then the errors of its best machine on the test split,
and its program. It leaves a run directory of that machine, `OUTPUT/nram-POPULATION`, or
`OUTPUT/from-answers-POPULATION`. After an interruption, a population begins again.
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
from keras_nm.runs.directory import RunDirectory
from keras_nm.runs.evaluation import repeated
from keras_nm.runs.run import learning_callbacks
from keras_nm.training import RECIPES, evaluate, load_run

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


def lasting(recipe, steps, layer, optimizer, schedule):
    """A recipe with another layer, optimizer, number of steps and entropy schedule."""
    return dataclasses.replace(
        recipe,
        layer=layer,
        optimizer=optimizer,
        epochs=steps // recipe.steps_per_epoch,
        callbacks={"entropy_schedule": schedule},
    )


def recipe_of(options, *, first):
    """The recipe of merge with spare gates, for the first training or for a later one."""
    steps = options.steps if first else options.more_steps
    recipe = RECIPES["nram/merge"]["nram"]
    layer, optimizer = copy.deepcopy((recipe.layer, recipe.optimizer))
    layer["config"]["gates"] = GATES
    if options.from_answers:
        layer["config"]["register_loss"] = None
    half_life = 300
    if not first:
        optimizer["config"]["learning_rate"] = 0.01
        layer["config"]["entropy_weight"], half_life = -1.0, 100
    schedule = {"half_life": half_life, "penalty": 1.0, "penalty_from": steps - 100}
    return lasting(recipe, steps, layer, optimizer, schedule)


def machine_of(recipe):
    return recipe.build().get_layer("machine")


def train(recipe, machines, seeds):
    """Trains machines together.

    Returns the weights of the best one, its errors on the validation set after each epoch,
    and the errors of all at the end.
    """
    model = recipe.build(num_replicas=len(machines))
    population = model.get_layer("machine")
    for index, machine in enumerate(machines):
        population.assign_replica(index, machine)
    curriculum = recipe.make_curriculum(num_replicas=len(machines))
    validation = repeated(recipe.validation_set(), len(machines))
    data = recipe.made_task.dataset(
        recipe.batch_size, seed=seeds, draw_lengths=curriculum and curriculum.draw_lengths
    )
    history = model.fit(
        data,
        steps_per_epoch=recipe.steps_per_epoch,
        epochs=recipe.epochs,
        validation_data=validation,
        callbacks=learning_callbacks(recipe, model, validation, curriculum),
        shuffle=False,
        verbose=0,
    )
    errors = np.array(history.history["val_wrong_cells"])  # (epochs, machines)
    best = int(errors[-1].argmin())
    weights = population.replica(best).get_weights()
    keras.backend.clear_session()
    return weights, errors[:, best], np.sort(errors[-1])


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
    slots = np.asarray(trace["argument_selection"])  # (B, T, S, 2, R + S)
    registers = np.asarray(trace["register_selection"])  # (B, T, R, R + S)
    # A missing argument is 0 everywhere.
    registers = np.stack([registers, np.zeros_like(registers)], axis=3)
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


def drawn_again(weights, blocks, rng):
    """The weights with the choices in these columns as in a machine that begins."""
    *others, kernel, bias = (x.copy() for x in weights)
    limit = np.sqrt(6 / sum(kernel.shape))
    for first, last in blocks:
        kernel[:, first:last] = rng.uniform(-limit, limit, (len(kernel), last - first))
        bias[first:last] = 0
    return [*others, kernel, bias]


def learn(population, options):
    """Runs the rounds of one population. Leaves a run of its best machine."""
    rng = np.random.default_rng(population)
    size, started = options.size, time.monotonic()
    recipe = recipe_of(options, first=True)
    seeds = [population * size + index for index in range(size)]
    machines = []
    for seed in seeds:
        keras.utils.set_random_seed(seed)
        machines.append(machine_of(recipe))
    tape, answer, cells = next(recipe.validation_set().as_numpy_iterator())
    near, curve = set(), []
    for number in range(options.rounds + 1):
        data_seeds = [seed + 10_000 * number for seed in seeds]
        best, errors, known = train(recipe, machines, data_seeds)
        curve += [{"val_wrong_cells": float(error)} for error in errors]
        single = machine_of(recipe)
        single.set_weights(best)
        outputs = single.run_integers(tape, recipe.made_task.num_steps)["tape"]
        discrete = float(np.mean((np.asarray(outputs) != answer)[cells > 0]))
        print(
            f"population {population}, round {number}, drawn again: {sorted(near)}; "
            f"% of wrong cells {', '.join(f'{100 * x:.1f}' for x in known[:4])}, the first "
            f"one discrete {100 * discrete:.1f}; {time.monotonic() - started:.0f} s",
            flush=True,
        )
        if discrete == 0:
            break
        recipe = recipe_of(options, first=False)
        near = undecided(single, tape)
        blocks = blocks_of(single.cell)
        rates = [(NEAR if x in near else FAR) if near else ANYWHERE for x in blocks]
        machines = []
        for index in range(size):
            chosen = [
                block
                for block, rate in zip(blocks.values(), rates, strict=True)
                if rng.random() < rate
            ]
            machines.append(machine_of(recipe))
            # The first copy goes on as it is.
            machines[-1].set_weights(drawn_again(best, chosen, rng) if index else best)
    return write(options, population, recipe, best, curve, discrete)


def write(options, population, recipe, weights, curve, discrete):
    """Writes the run of the best machine of a population, as if it were trained alone."""
    model = recipe.build()
    model.get_layer("machine").set_weights(weights)
    steps = len(curve) * recipe.steps_per_epoch
    model.optimizer.build(model.trainable_variables)
    model.optimizer.iterations.assign(steps)
    result = {
        "examples": steps * recipe.batch_size,
        "wrong_cells": curve[-1]["val_wrong_cells"],
        "discrete_wrong_cells": discrete,
    }
    path = path_of(options, population)
    RunDirectory(path).write_finished(recipe, population, model, curve, result)
    return load_run(path)


def path_of(options, population):
    kind = "from-answers" if options.from_answers else "nram"
    return options.output / f"{kind}-{population}"


def report(run):
    """Prints the errors on the test split, and the program."""
    for length in (6, 20, 50):
        result = evaluate(run, length)
        shares = (result["wrong_cells"], result["discrete_wrong_cells"])
        soft, discrete = (f"{100 * share:.2f}" for share in shares)
        print(f"{length} values, % of wrong cells: soft {soft}, discrete {discrete}")
    print(Program.from_layer(run.layer), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--first-population", type=int, default=0)
    parser.add_argument("--populations", type=int, default=5)
    parser.add_argument("--size", type=int, default=32)
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--more-steps", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--from-answers", action="store_true", help="without registers")
    parser.add_argument("--output", type=Path, default=Path("runs/merge_restarts"))
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    first = options.first_population
    for population in range(first, first + options.populations):
        path = path_of(options, population)
        report(load_run(path) if path.exists() else learn(population, options))


if __name__ == "__main__":
    main()
