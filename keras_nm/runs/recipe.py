"""Recipes: everything that a training needs besides a seed."""

import copy
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from functools import cached_property
from typing import Any

import keras

from keras_nm.arguments import check_choice, check_finite, check_integer, check_positive
from keras_nm.callbacks.curriculum import Curriculum
from keras_nm.machines import Machine, machine_of, machine_of_class, resolve
from keras_nm.tasks import TASKS, Task, TaskSpec

# Batches between two returns to Python, where callbacks and the progress bar run.
_STEPS_PER_EXECUTION = 50

# These name a recipe, and do not change its training.
_LABELS = ("name", "description")


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """The settings of a training, as plain data.

    Args:
        task: Key of `keras_nm.tasks.TASKS`.
        layer: Keras configuration of the layer, without the arguments that the task
            decides and without `return_sequences`. If the layer is not a machine of
            `keras_nm.machines`, a `Dense` layer follows it.
        optimizer: Keras configuration of the optimizer.
        batch_size: Number of examples in a training step.
        steps_per_epoch: Number of training steps between two validations.
        epochs: Largest number of epochs.
        stop_below: Training stops when the task's goal and the machine's own measures fall
            below this on the validation set, which has examples of the task's largest
            length.
        name: The recipe's name among those of its task.
        description: A sentence on the recipe.
        task_options: Arguments of the task.
        memory_size: The memory size of the machine after training, such as its number of
            locations, if it differs from the one in training.
        curriculum: Arguments of `keras_nm.training.Curriculum` besides the task. Without
            it, training uses all lengths of the task from the start.
        give_up: `None`, or a dict `{"above": 100.0, "examples": 100_000}`, a rule for
            searches: training also stops after so many `examples`, at the next validation,
            if the task's goal was not below `above` at any validation so far. Defaults to
            `None`.
        callbacks: Dict from names of the machine's callbacks to their arguments besides
            the layer.
        loss_options: Arguments of the task's loss.
        jit_compile: Boolean, whether XLA compiles the model. Keras itself does not compile
            on computers without a GPU, where XLA makes training three times as fast.
    """

    task: str
    layer: dict[str, Any]
    optimizer: dict[str, Any]
    batch_size: int
    steps_per_epoch: int
    epochs: int
    stop_below: float
    name: str = ""
    description: str = ""
    task_options: dict[str, Any] = field(default_factory=dict)
    memory_size: int | None = None
    curriculum: dict[str, Any] | None = None
    give_up: dict[str, Any] | None = None
    callbacks: dict[str, dict[str, Any]] = field(default_factory=dict)
    loss_options: dict[str, Any] = field(default_factory=dict)
    jit_compile: bool = True

    @classmethod
    def from_dict(cls, settings: dict[str, Any]) -> "Recipe":
        """Makes a recipe from its `dataclasses.asdict`, even one of an earlier version."""
        settings = dict(settings)
        if "num_locations" in settings:
            settings["memory_size"] = settings.pop("num_locations")
        if "entropy_schedule" in settings:
            schedule = settings.pop("entropy_schedule")
            settings["callbacks"] = {"entropy_schedule": schedule} if schedule else {}
        return cls(**settings)

    def to_json(self) -> str:
        """Returns the settings as text, which is equal if only the names differ."""
        settings = {
            each.name: value
            for each, value in zip(fields(self), asdict(self).values(), strict=True)
            if each.name not in _LABELS
        }
        return json.dumps(settings, sort_keys=True)

    def __getstate__(self):
        # Only the settings: the rest cannot be pickled, and other processes recompute it.
        return {each.name: getattr(self, each.name) for each in fields(self)}

    @cached_property
    def spec(self) -> TaskSpec:
        """The task's row in `keras_nm.tasks.TASKS`.

        Raises:
            ValueError: For an unknown task.
        """
        return TASKS[check_choice("task", self.task, TASKS)]

    @cached_property
    def made_task(self) -> Task:
        """The task with the recipe's options.

        Raises:
            ValueError: If the task does not have the options.
        """
        try:
            return self.spec.make(**self.task_options)
        except TypeError as error:  # an argument that the task does not have
            raise ValueError(f"The recipe's task_options do not fit: {error}") from None

    @cached_property
    def machine(self) -> Machine:
        """The layer's row in the table of machines.

        Raises:
            ValueError: If the layer is not a configuration, or its class is unknown.
        """
        name = _check_configuration("layer", self.layer)["class_name"]
        registered = keras.saving.get_registered_object(self.layer.get("registered_name"))
        layer_class = registered or getattr(keras.layers, name, None)
        if layer_class is None:
            raise ValueError(
                f"There is no Keras layer {name!r}. Register your own class with "
                "keras.saving.register_keras_serializable, and import its module first"
            )
        return machine_of_class(layer_class)

    @cached_property
    def monitors(self) -> list[str]:
        """The keys of the logs that decide whether a task is solved."""
        names = [self.spec.goal.name, *(each.name for each in self.machine.measures)]
        return [f"val_{name}" for name in names]

    def is_solved(self, logs: dict[str, Any]) -> bool:
        """Returns whether all monitored logs are below the threshold."""
        return all(logs[monitor] < self.stop_below for monitor in self.monitors)

    def is_given_up(self, examples: int, values: Sequence[float]) -> bool:
        """Returns whether training stops by the rule `give_up`.

        Args:
            examples: The number of examples so far.
            values: The task's goal at each validation so far.
        """
        rule = self.give_up
        if rule is None or examples < rule["examples"]:
            return False
        return not any(value < rule["above"] for value in values)

    def _check(self):
        _check_configuration("optimizer", self.optimizer)
        for name in ("batch_size", "steps_per_epoch", "epochs"):
            check_integer(name, getattr(self, name))
        check_finite("stop_below", self.stop_below)
        try:
            self.to_json()
        except TypeError as error:
            raise ValueError(
                f"A recipe must be plain data, which JSON can hold: {error}. Convert "
                "numbers of NumPy by int() or float()"
            ) from None
        if self.give_up is None:
            return
        is_rule = isinstance(self.give_up, dict)
        if not is_rule or set(self.give_up) != {"above", "examples"}:
            raise ValueError(
                "`give_up` must be a dict with `above` and `examples`. "
                f"Received: give_up={self.give_up}"
            )
        check_positive("above", self.give_up["above"])
        check_integer("examples", self.give_up["examples"])

    def validation_set(self):
        """Returns the examples that training is validated on, of the largest length."""
        task = self.made_task
        return task.evaluation_set(task.max_length, split="validation")

    def make_curriculum(self, num_replicas: int | None = None) -> Curriculum | None:
        """Makes the recipe's `Curriculum`, or returns `None`.

        Raises:
            ValueError: If the arguments do not fit.
        """
        if self.curriculum is None:
            return None
        try:
            curriculum = Curriculum(
                self.made_task, **self.curriculum, num_replicas=num_replicas
            )
        except TypeError as error:
            raise ValueError(f"The recipe's curriculum does not fit: {error}") from None
        logs = [*self.spec.metrics, "loss"]
        check_choice("monitor", curriculum.monitor, logs + [f"val_{name}" for name in logs])
        return curriculum

    def make_callbacks(self, layer) -> list[keras.callbacks.Callback]:
        """Makes the machine's callbacks that the recipe names.

        Raises:
            ValueError: If the machine does not have a callback, or the callback not the
                arguments.
        """
        made = []
        for name, arguments in self.callbacks.items():
            known = self.machine.callbacks
            callback = resolve(known[check_choice("callbacks", name, known)])
            try:
                made.append(callback(layer, **arguments))
            except TypeError as error:  # an argument that it does not have
                raise ValueError(f"The recipe's {name} does not fit: {error}") from None
        return made

    def build(self, num_replicas: int | None = None) -> keras.Model:
        """Builds and compiles the model, from the global random seed.

        Args:
            num_replicas: `None`, or the number of independent machines in the layer.

        Returns:
            A compiled `keras.Model` from the task's inputs to its answers, around one layer
            called `"machine"`.

        Raises:
            ValueError: If the settings do not fit each other.
        """
        task, machine, spec = self.made_task, self.machine, self.spec
        self._check()
        optimizer = copy.deepcopy(self.optimizer)
        more = {}
        if num_replicas is not None:
            more["num_replicas"] = num_replicas
            optimizer["config"]["num_replicas"] = num_replicas
        layer = self._make_layer(**more)
        inputs = keras.Input(spec.x.sizes(task), dtype=spec.x.dtype, name=spec.x.name)
        outputs = layer(inputs)
        if not machine.gives_answers:
            outputs = keras.layers.Dense(task.output_size, name="logits")(outputs)
        if self.memory_size is not None:
            resized(layer, self.memory_size)  # fails now, and not after training
        model = keras.Model(inputs, outputs)
        try:
            arguments = spec.compile_arguments(task, num_replicas, self.loss_options)
        except TypeError as error:
            raise ValueError(f"The recipe's loss_options do not fit: {error}") from None
        model.compile(
            optimizer=keras.optimizers.deserialize(optimizer),
            **arguments,
            jit_compile=self.jit_compile,
            # A divisor of the steps per epoch, because Keras runs whole executions.
            steps_per_execution=math.gcd(_STEPS_PER_EXECUTION, self.steps_per_epoch),
        )
        return model

    def _make_layer(self, **more):
        # A copy, because Keras changes the configurations that it builds from.
        config = copy.deepcopy(self.layer)
        config["config"] |= {
            "name": "machine",
            **self.machine.arguments,
            **{
                argument: getattr(self.made_task, attribute)
                for argument, attribute in self.machine.task_arguments.items()
            },
            **more,
        }
        return keras.layers.deserialize(config)


def _check_configuration(name, config):
    """Returns a Keras configuration, or raises a ValueError if it is none."""
    is_configuration = isinstance(config, dict) and "config" in config
    if not is_configuration or not isinstance(config.get("class_name"), str):
        raise ValueError(
            f"`{name}` must be a Keras configuration, a dict with `class_name` and "
            f"`config`. Received: {name}={config}"
        )
    return config


def labels_of(named_recipes):
    """Returns labels for pairs of a name and a `Recipe`, which tell the recipes apart.

    A label is the name, with a number from the second recipe of that name on.
    """
    known, labels = {}, []
    for name, recipe in named_recipes:
        recipes, text = known.setdefault(name, []), recipe.to_json()
        if text not in recipes:
            recipes.append(text)
        number = 1 + recipes.index(text)
        labels.append(name if number == 1 else f"{name} #{number}")
    return labels


def resized(layer, memory_size):
    """Returns a machine's layer with the same weights and another memory size.

    Raises:
        ValueError: If the layer has no memory size, or weights that depend on it.
    """
    name = machine_of(layer).memory_size
    if name is None:
        raise ValueError(
            f"There is no memory whose size can be changed in {machine_of(layer).words}. "
            f"Leave the memory size out. Received: {layer}"
        )
    return getattr(layer, f"with_{name}")(memory_size)


def build_model(recipe: Recipe, num_replicas: int | None = None) -> keras.Model:
    """Builds and compiles the model of a recipe, see `Recipe.build`."""
    return recipe.build(num_replicas)
