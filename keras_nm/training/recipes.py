"""Settings that work, as plain data: one recipe per task and layer."""

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True)
class Recipe:
    """All that `keras_nm.training.train` needs to know beside a seed.

    Args:
        task: Key of `keras_nm.tasks.TASKS`.
        layer: Keras configuration of the recurrent layer, without `units` and
            `return_sequences`, which the task decides.
        optimizer: Keras configuration of the optimizer.
        batch_size: Number of sequences in a training step.
        steps_per_epoch: Number of training steps between two validations.
        epochs: Number of epochs at most.
        stop_below: Training stops when the validation set's bits per sequence fall
            below this.
        task_options: Arguments of the task.
    """

    task: str
    layer: dict[str, Any]
    optimizer: dict[str, Any]
    batch_size: int
    steps_per_epoch: int
    epochs: int
    stop_below: float
    task_options: dict[str, Any] = field(default_factory=dict)


def _graves_rmsprop(learning_rate):
    """RMSProp as in Graves 2013 (arXiv 1308.0850, equations 38 to 45)."""
    return {
        "class_name": "RMSprop",
        "config": {
            "learning_rate": learning_rate,
            "rho": 0.95,
            "momentum": 0.9,
            "epsilon": 1e-4,
            "centered": True,
            "clipvalue": 10.0,
        },
    }


def _ntm(controller_class, **controller):
    controller = {
        "module": "keras.layers",
        "class_name": controller_class,
        "config": controller,
    }
    return {
        "module": "keras_nm.layers",
        "class_name": "NTM",
        "registered_name": "keras_nm>NTM",
        "config": {"controller": controller},
    }


# By task, then by the name that the command line calls the layer.
RECIPES = MappingProxyType(
    {
        "copy": MappingProxyType(
            {
                "ntm": Recipe(
                    task="copy",
                    layer=_ntm("LSTMCell", units=100),
                    optimizer=_graves_rmsprop(3e-4),
                    batch_size=4,
                    steps_per_epoch=250,
                    epochs=40,
                    stop_below=0.01,
                ),
            }
        ),
    }
)
