"""Trains many Neural GPUs in one program, on a GPU with JAX, and measures them.

    python benchmarks/neural_gpu_seeds.py write
    python benchmarks/neural_gpu_seeds.py train binary_multiplication --seeds 0 1 2 3 4

The first command writes the problems to measure with, and needs TensorFlow. The second one
does not. It trains as Freivalds and Liepins (2017) do: every step has 32 problems of every
bucket of lengths. With `--in-turn`, a step has those of one bucket, as in the recipes.

It prints the percentage of problems with a wrong digit, for each rate and seed. It also
writes these numbers and the trained models, into `--output`, a folder of their own.

Axes: S training steps, R machines, B batch, N positions.
"""

import os

os.environ.setdefault("KERAS_BACKEND", "jax")

import argparse
import itertools
import json
import sys
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import keras
import numpy as np

from keras_nm.layers import NeuralGPU
from keras_nm.training import ClippedAdamax

NUM_CLASSES = {"binary_addition": 3, "binary_multiplication": 2}
BUCKETS = (8, 12, 16, 20, 25, 28, 31, 36, 41)
OPERATOR = BLANK = 2
# How many problems are measured at once.
LARGEST_BATCH = 64
# How many buckets share a call, padded to the longest. A GPU likes few and large calls.
MERGED = 3
# After an epoch, the weight of the saturation cost changes: as in the paper, or as in the
# recipes where a turn takes a step per bucket.
STEPS_PER_EPOCH = 200
TURNS_PER_EPOCH = 30
SATURATION_WEIGHT = 1e-3


def write(options):
    """Writes the problems that `benchmarks/neural_gpu.py` measures with."""
    from neural_gpu import KINDS, LENGTHS, problems

    options.problems.mkdir(parents=True, exist_ok=True)
    for task, lengths in LENGTHS.items():
        arrays = {}
        for length, kind in itertools.product(lengths, KINDS):
            data = problems(task, length, kind, options.split)
            batches = [(x.numpy().argmax(-1), y.numpy()) for x, y, _ in data]
            arrays[f"{kind} {length}"] = np.concatenate(
                [np.stack(each) for each in batches], axis=1
            ).astype("int8")
        np.savez_compressed(file_of(options.problems, task, options.split), **arrays)


def file_of(directory, task, split):
    return directory / f"{task}_{split}.npz"


def drawn(rng, task, shape, bounds):
    """Draws problems of neighboring buckets, equally many of each.

    Args:
        rng: A NumPy generator.
        task: A key of `NUM_CLASSES`.
        shape: The axes before N, the last of which is the number of each bucket.
        bounds: The longest lengths of the buckets, and first that of the one before.

    Returns:
        Tokens, which are -1 where there is padding, and classes: int8 `(..., B, N)`.
    """
    most_digits = [max(bound - 1, 0) // 2 for bound in bounds]
    sizes = [
        rng.integers(below + 1, most + 1, (*shape, 1))
        for below, most in itertools.pairwise(most_digits)
    ]
    sizes = np.concatenate(sizes, axis=-2)  # (..., B, 1)
    first, second = (rng.integers(0, 1 << sizes) for _ in range(2))
    place = np.arange(bounds[-1])
    behind = second >> np.maximum(place - sizes - 1, 0)
    tokens = np.where(place < sizes, first >> place, behind) & 1
    tokens = np.where(place == sizes, OPERATOR, tokens)
    tokens = np.where(place > 2 * sizes, -1, tokens)
    result = (first + second if task == "binary_addition" else first * second) >> place
    classes = result & 1
    if task == "binary_addition":
        classes = np.where((result == 0) & (place > 0), BLANK, classes)
    return tokens.astype("int8"), classes.astype("int8")


def steps_per_epoch(options):
    """Returns the number of steps after which the weight of the saturation cost changes."""
    return TURNS_PER_EPOCH * len(options.buckets) if options.in_turn else STEPS_PER_EPOCH


class Machines:
    """Machines of every rate and seed, which are trained side by side.

    Args:
        options: The options of the command `train`.
    """

    def __init__(self, options):
        self.options = options
        self.names = list(itertools.product(options.rates, options.seeds))
        each = [self._new(rate, seed) for rate, seed in self.names]
        self.state = jax.tree.map(lambda *values: jnp.stack(values), *each)
        self.rates = jnp.array([rate for rate, _ in self.names])
        bounds = (0, *options.buckets)
        merged = 1 if options.in_turn else MERGED
        groups = [bounds[i : i + merged + 1] for i in range(0, len(bounds) - 1, merged)]
        # The groups of buckets that a step has, for each step of a turn.
        self.turn = [[group] for group in groups] if options.in_turn else [groups]
        self.epoch = steps_per_epoch(options)
        self._epoch = jax.jit(self._epoch_of_all)
        self._num_wrong = jax.jit(jax.vmap(self._num_wrong_of_one, (0, None, None)))

    def _new(self, rate, seed):
        """Returns the state of a new machine, and makes the model that all share."""
        options = self.options
        keras.utils.set_random_seed(seed)
        layer = NeuralGPU(
            NUM_CLASSES[options.task],
            num_maps=options.maps,
            dropout=options.dropout,
            saturation_weight=SATURATION_WEIGHT,
            kernel_initializer=options.initializer,
        )
        self.model = keras.Sequential([keras.Input((None, 3)), layer])
        self.optimizer = ClippedAdamax(rate, beta_2=0.99)
        self.optimizer.build(self.model.trainable_variables)
        variables = {
            "weights": self.model.trainable_variables,
            "others": self.model.non_trainable_variables,
            "slots": self.optimizer.variables,
        }
        names = [variable.name for variable in variables["others"]]
        self.cost = names.index("saturation_cost")
        self.weight = names.index("saturation_weight")
        self.rate = [x.name for x in variables["slots"]].index("learning_rate")
        return {key: [jnp.asarray(x.value) for x in variables[key]] for key in variables}

    def batches(self, rng):
        """Draws an epoch: the batches `(S, R, B, N)` of each group."""
        num_turns = self.epoch // len(self.turn)
        shape = (num_turns, len(self.names), self.options.batch)
        return [
            [drawn(rng, self.options.task, shape, group) for group in groups]
            for groups in self.turn
        ]

    def train(self, batches, step):
        """Trains for an epoch, of which `step` is the first step.

        Returns:
            The means of the loss and of the share of right answers, both `(R,)`.
        """
        steps = np.arange(step, step + self.epoch).reshape(-1, len(self.turn))
        falling = 1 - 0.98 * steps / self.options.steps
        self.state, means = self._epoch(self.state, batches, falling.astype("float32"))
        return means

    def num_wrong(self, questions, answers):
        """Returns how many answers `(B, N)` are wrong somewhere, `(R,)`."""
        return self._num_wrong(self.state, questions, answers)

    def model_of(self, index):
        """Returns the model with the weights of one of the machines."""
        for variable, values in zip(
            self.model.trainable_variables, self.state["weights"], strict=True
        ):
            variable.assign(values[index])
        return self.model

    def _epoch_of_all(self, state, batches, falling):
        def body(state, inputs):
            means = []
            for groups, factor in zip(*inputs, strict=True):
                step = jax.vmap(self._step_of_one)
                state, mean = step(state, groups, self.rates * factor)
                means.append(mean)
            return state, jnp.mean(jnp.stack(means), axis=0)

        # The factors of the steps of a turn, each `(S,)`.
        factors = list(falling.T)
        state, means = jax.lax.scan(body, state, (batches, factors))
        loss, right = jnp.mean(means, axis=0).T
        # As `SaturationSchedule` does.
        others = list(state["others"])
        cost, aim = others[self.cost], state["slots"][self.rate] * loss
        rises = aim >= SATURATION_WEIGHT * cost
        others[self.weight] = jnp.where(rises, SATURATION_WEIGHT, aim / cost)
        return {**state, "others": others}, (loss, right)

    def _step_of_one(self, state, groups, rate):
        gradient = jax.value_and_grad(self._loss_of_one, has_aux=True)
        (loss, (others, right)), gradients = gradient(
            state["weights"], state["others"], groups
        )
        slots = list(state["slots"])
        slots[self.rate] = rate
        weights, slots = self.optimizer.stateless_apply(slots, gradients, state["weights"])
        new = {"weights": weights, "others": others, "slots": slots}
        return new, jnp.stack([loss, right])

    def _loss_of_one(self, weights, others, groups):
        losses, rights, costs = [], [], []
        for questions, answers in groups:
            logits, others, added = self.model.stateless_call(
                weights,
                others,
                jax.nn.one_hot(questions, 3),
                training=True,
                return_losses=True,
            )
            counts = questions >= 0  # (B, N)
            classes = jax.nn.one_hot(answers, logits.shape[-1])
            entropy = -jnp.sum(jax.nn.log_softmax(logits) * classes, axis=-1)  # (B, N)
            mean = jnp.sum(entropy * counts, axis=-1) / jnp.sum(counts, axis=-1)  # (B,)
            losses.append(jnp.mean(mean) + sum(added))
            rights.append(jnp.mean(jnp.all(is_right(logits, questions, answers), axis=-1)))
            costs.append(others[self.cost])
        others = list(others)
        others[self.cost] = sum(costs) / len(costs)
        return sum(losses) / len(losses), (others, sum(rights) / len(rights))

    def _num_wrong_of_one(self, state, questions, answers):
        logits, _ = self.model.stateless_call(
            state["weights"], state["others"], jax.nn.one_hot(questions, 3)
        )
        return jnp.sum(~jnp.all(is_right(logits, questions, answers), axis=-1))


def is_right(logits, questions, answers):
    """Returns where an answer is right or does not count, `(B, N)`."""
    return (jnp.argmax(logits, axis=-1) == answers) | (questions < 0)


def train(options):
    """Trains machines of every rate and seed, and measures them."""
    # In steps beyond `--steps`, the learning rate would be negative.
    if options.steps < 1 or options.steps % steps_per_epoch(options):
        sys.exit(
            f"--steps must be a multiple of {steps_per_epoch(options)}, the steps of an "
            f"epoch. Received: {options.steps}"
        )
    file = file_of(options.problems, options.task, options.split)
    if not file.exists():
        sys.exit(f"There is no {file}. First run `{Path(__file__).name} write`")
    # Before the training, so that nothing is trained that cannot be written.
    options.output.mkdir(parents=True, exist_ok=True)
    if any(options.output.iterdir()):
        sys.exit(f"{options.output} is not empty. Choose another folder with --output")
    machines = Machines(options)
    with np.load(file) as arrays:
        names = [x for x in arrays.files if int(x.split()[1]) <= options.up_to]
        problems = {name: arrays[name] for name in names}
    rng = np.random.default_rng(min(options.seeds))
    began, logs = time.perf_counter(), []
    for step in range(0, options.steps, machines.epoch):
        # JAX returns before it has the numbers, so the next epoch is drawn meanwhile.
        logs.append(machines.train(machines.batches(rng), step))
    logs = np.array(jax.device_get(logs))  # (epochs, 2, R)
    seconds = time.perf_counter() - began
    percents = {}
    for name, (questions, answers) in problems.items():
        wrong = 0
        for i in range(0, len(questions), LARGEST_BATCH):
            batch = slice(i, i + LARGEST_BATCH)
            wrong = wrong + machines.num_wrong(questions[batch], answers[batch])
        percents[name] = 100 * np.array(wrong) / len(questions)  # (R,)
    report(options, machines, logs, seconds, percents)


def report(options, machines, logs, seconds, percents):
    """Prints a table, and writes it and the models into `options.output`."""
    columns = [name for name in percents if name.startswith("random")]
    columns += [name for name in percents if name.endswith(" 101") and name not in columns]
    print(
        f"\n{jax.devices()[0].device_kind}, JAX {jax.__version__}, "
        f"Keras {keras.__version__}: {len(machines.names)} machines in {seconds:.0f} s"
    )
    print(f"\n| rate | seed | right in training | {' | '.join(columns)} |")
    print("|--:" * (3 + len(columns)) + "|")
    rows = []
    for index, (rate, seed) in enumerate(machines.names):
        right = 100 * logs[:, 1, index]
        found = {name: float(percents[name][index]) for name in percents}
        rows.append({"rate": rate, "seed": seed, "right": right.tolist(), **found})
        cells = [rate, seed, f"{right[-1]:.2f}", *(f"{found[x]:.1f}" for x in columns)]
        print(f"| {' | '.join(map(str, cells))} |", flush=True)
        machines.model_of(index).save(options.output / f"{rate}-{seed}.keras")
    results = {"options": vars(options), "seconds": seconds, "machines": rows}
    (options.output / "results.json").write_text(json.dumps(results, indent=1, default=str))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True)
    for name, function in (("write", write), ("train", train)):
        command = commands.add_parser(name, help=function.__doc__.splitlines()[0])
        command.set_defaults(run=function)
        command.add_argument(
            "--problems", type=Path, default=Path("runs/neural_gpu_problems")
        )
        command.add_argument("--split", default="test", choices=["validation", "test"])
    add = command.add_argument
    add("task", choices=list(NUM_CLASSES))
    add("--output", type=Path, default=Path("runs/neural_gpu_seeds"))
    add("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    add("--rates", type=float, nargs="+", default=[0.005])
    add("--maps", type=int, default=96)
    add("--dropout", type=float, default=0.1)
    add("--initializer", default="glorot_uniform")
    add("--buckets", type=int, nargs="+", default=list(BUCKETS))
    add("--batch", type=int, default=32, help="problems of each bucket in a step")
    add("--in-turn", action="store_true", help="take a step for each bucket")
    add("--steps", type=int, default=6000)
    add("--up-to", type=int, default=2001, help="measure no longer problems")
    options = parser.parse_args()
    options.run(options)


if __name__ == "__main__":
    main()
