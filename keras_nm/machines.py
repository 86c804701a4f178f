"""The table of machines: all that the rest of the package needs to know about each.

Plots, callbacks, runs, exports and pages ask for the row of a layer, never for its class.
To add a machine, even one of your own, add a row:

>>> import keras_nm
>>> from keras_nm.machines import MACHINES, Machine
>>> class MyNTM(keras_nm.layers.NTM):
...     pass
>>> MACHINES["MyNTM"] = Machine(layer=MyNTM, words="my Neural Turing Machine")
>>> del MACHINES["MyNTM"]

A layer without a row is treated like any recurrent Keras layer: it is trained, evaluated,
exported and served. A function that needs a row, such as that for a picture, raises an
error that says so.
"""

import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import keras

from keras_nm.layers import DNC, NPI, NRAM, NTM, NeuralGPU, StackRNN, TapeRNN
from keras_nm.layers.replicated import Replicas
from keras_nm.metrics.measure import Measure
from keras_nm.metrics.tapes import discrete_wrong_cells

# A function, or its place as "module:name". Many functions are in modules that import this
# one, and some need packages that not everyone has.
Function = Callable[..., Any] | str


@dataclass(frozen=True, kw_only=True)
class Machine:
    """The row of a machine.

    A function is given directly or as `"module:name"`. In the arguments of functions,
    `layer` is one of the machine's layers, and `trace` is the result of its `trace`.

    Args:
        layer: The class of the layer, which has a method `trace`.
        words: The machine's name in words.
        arguments: Arguments of the layer in all models of tasks.
        task_arguments: Arguments of the layer that the task decides: a dict from each
            argument to an attribute of the task.
        gives_answers: Boolean, whether the layer returns the answer to a task. If not, a
            `Dense` layer follows it.
        memory_size: The size that can change with the same weights, such as
            `"num_locations"`: an attribute of the layer's cell. The layer has a method
            `with_num_locations(number)`. `None` if there is no such size.
        callbacks: Training callbacks that a recipe can name. Each takes the layer and the
            recipe's arguments.
        measures: `Measure`s that no metric of the task covers. They have an `of_layer`.
        task_change: Function from `(layer, trained, task)`, with two tasks, to the changed
            arguments with which a layer that was trained on the first runs on the second.
        look: Function from `(layer, trace, examples)` to the numbers and text that
            TensorBoard shows, see `keras_nm.metrics.looks`.
        picture: Function from `(layer, trace, inputs, outputs, example, time,
            activation)` to a `matplotlib.figure.Figure`, see
            `keras_nm.plots.machine_picture`. Here the activation is a function.
        num_frames: Function from `(trace, example)` to the number of values of `time`.
        add_endpoints: Function of `(archive, model)` that adds endpoints to an
            `ExportArchive`. `None` for those of any recurrent layer, see
            `keras_nm.export.recurrent`.
        facts: Function from `layer` to a dict of facts about it for the model card.
        task_facts: Function from `(layer, task)` to a dict of facts for the model card of a
            layer that was trained on a task.
        page: Function from `(path, card, model, spec)` to the data that a page shows of an
            exported model, see `keras_nm.page.sequences`.
    """

    layer: type[keras.layers.Layer]
    words: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    task_arguments: Mapping[str, str] = field(default_factory=dict)
    gives_answers: bool = True
    memory_size: str | None = None
    callbacks: Mapping[str, Function] = field(default_factory=dict)
    measures: tuple[Measure, ...] = ()
    task_change: Function | None = None
    look: Function | None = None
    picture: Function | None = None
    num_frames: Function | None = None
    add_endpoints: Function | None = None
    facts: Function | None = None
    task_facts: Function | None = None
    page: Function | None = None

    @property
    def has_replicas(self) -> bool:
        """Whether the layer takes `num_replicas`, several machines in one layer."""
        return issubclass(self.layer, Replicas)

    def function(self, name: str) -> Callable[..., Any]:
        """Returns one of the functions of the row.

        Args:
            name: The function's name, such as `"picture"`.

        Raises:
            ValueError: If the row does not have it.
        """
        function = getattr(self, name)
        if function is None:
            raise ValueError(
                f"There is no `{name}` for {self.words}. The machines that have one are "
                f"{', '.join(key for key, row in MACHINES.items() if getattr(row, name))}. "
                "Add a row to keras_nm.machines.MACHINES, or a "
                f"`{name}` to its row"
            )
        return resolve(function)


def resolve(function: Function) -> Callable[..., Any]:
    """Returns a function that is given directly or as `"module:name"`."""
    return pkgutil.resolve_name(function) if isinstance(function, str) else function


# By the name of the layer's class, which is also in configurations and on model cards.
MACHINES: dict[str, Machine] = {
    "NTM": Machine(
        layer=NTM,
        words="Neural Turing Machine",
        arguments={"return_sequences": True},
        task_arguments={"units": "output_size"},
        memory_size="num_locations",
        look="keras_nm.metrics.looks:head_entropies",
        picture="keras_nm.plots.plate:plate_of_layer",
        num_frames="keras_nm.plots.panels:num_steps",
        page="keras_nm.page.ntm:describe",
    ),
    "DNC": Machine(
        layer=DNC,
        words="Differentiable Neural Computer",
        arguments={"return_sequences": True},
        task_arguments={"units": "output_size"},
        memory_size="num_locations",
        look="keras_nm.metrics.looks:heads_and_gates",
        picture="keras_nm.plots.dnc:plate_of_layer",
        num_frames="keras_nm.plots.panels:num_steps",
        page="keras_nm.page.sequences:describe",
    ),
    "StackRNN": Machine(
        layer=StackRNN,
        words="Stack-RNN",
        arguments={"return_sequences": True},
        task_arguments={"units": "output_size"},
        memory_size="depth",
        look="keras_nm.metrics.looks:mean_actions",
        picture="keras_nm.plots.stacks:picture_of_layer",
        num_frames="keras_nm.plots.panels:num_steps",
        page="keras_nm.page.sequences:describe",
    ),
    "TapeRNN": Machine(
        layer=TapeRNN,
        words="Tape-RNN",
        arguments={"return_sequences": True},
        task_arguments={"units": "output_size"},
        memory_size="num_locations",
        look="keras_nm.metrics.looks:mean_moves",
        picture="keras_nm.plots.tapes:picture_of_layer",
        num_frames="keras_nm.plots.panels:num_steps",
        page="keras_nm.page.sequences:describe",
    ),
    "NPI": Machine(
        layer=NPI,
        words="Neural Programmer-Interpreter",
        arguments={"return_sequences": True},
        task_arguments={"num_programs": "num_programs", "argument_sizes": "argument_sizes"},
        look="keras_nm.metrics.looks:called_programs",
        picture="keras_nm.plots.calls:picture_of_layer",
        num_frames="keras_nm.plots.panels:num_steps",
        facts="keras_nm.export.calls:facts",
        task_facts="keras_nm.tasks.npi.call_task:verified",
    ),
    "NRAM": Machine(
        layer=NRAM,
        words="Neural Random-Access Machine",
        callbacks=(
            {"entropy_schedule": "keras_nm.callbacks.entropy_schedule:EntropySchedule"}
        ),
        measures=(
            Measure(
                name="discrete_wrong_cells",
                words="share of wrong answer cells of the discrete machine",
                perfect="with a faultless discrete machine",
                of_layer=discrete_wrong_cells,
            ),
        ),
        task_change="keras_nm.tasks.nram.tape_task:more_steps",
        look="keras_nm.metrics.looks:program_and_gap",
        picture="keras_nm.plots.execution:execution_of_layer",
        num_frames="keras_nm.plots.execution:num_frames",
        add_endpoints="keras_nm.export.tapes:add_endpoints",
        facts="keras_nm.export.tapes:facts",
        page="keras_nm.page.nram:describe",
    ),
    "NeuralGPU": Machine(
        layer=NeuralGPU,
        words="Neural GPU",
        task_arguments={"units": "output_size"},
        callbacks={
            "saturation_schedule": (
                "keras_nm.callbacks.saturation_schedule:SaturationSchedule"
            ),
            "pull_schedule": "keras_nm.callbacks.pull_schedule:PullSchedule",
        },
        look="keras_nm.metrics.looks:settled_at",
        picture="keras_nm.plots.positions:picture_of_layer",
        num_frames="keras_nm.plots.positions:num_frames",
        add_endpoints="keras_nm.export.in_place:add_endpoints",
        page="keras_nm.page.neural_gpu:describe",
    ),
}


def machine_of(layer: keras.layers.Layer) -> Machine:
    """Returns the row of a layer, or one for any recurrent layer if there is none.

    Args:
        layer: A Keras layer.

    Returns:
        A `Machine`.

    Example:

    >>> import keras, keras_nm
    >>> from keras_nm.machines import machine_of
    >>> machine_of(keras_nm.layers.NTM(8)).words
    'Neural Turing Machine'
    >>> machine_of(keras.layers.GRU(8)).words
    'the layer GRU'
    """
    return machine_of_class(type(layer))


def machine_of_class(kind: type[keras.layers.Layer]) -> Machine:
    """Returns the row of a class of layers. Subclasses share the row of their parent."""
    for each in kind.__mro__:
        for machine in MACHINES.values():
            if machine.layer is each:
                return machine
    return Machine(
        layer=kind,
        words=f"the layer {kind.__name__}",
        arguments={"return_sequences": True},
        gives_answers=False,
    )
