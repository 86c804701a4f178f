"""Settings that work, as plain data: one recipe per task and layer."""

import json
from dataclasses import asdict, dataclass, field
from types import MappingProxyType
from typing import Any

from keras_nm.layers.gates import DEFAULT_GATES
from keras_nm.programs.solutions import LIST_SEARCH_IN_ONE_CIRCUIT, MERGE_IN_ONE_CIRCUIT


@dataclass(frozen=True)
class Recipe:
    """All that `keras_nm.training.train` needs to know beside a seed.

    Args:
        task: Key of `keras_nm.tasks.TASKS`.
        layer: Keras configuration of the layer. An `NTM`'s is without `units`, which the
            task decides. After any other recurrent layer, a baseline's, comes a linear
            one. All are without `return_sequences`.
        optimizer: Keras configuration of the optimizer.
        batch_size: Number of examples in a training step.
        steps_per_epoch: Number of training steps between two validations.
        epochs: Number of epochs at most.
        stop_below: Training stops when the task's first metric on the validation set,
            examples of its largest length, falls below this; of an `NRAM` also that of
            the discrete machine.
        task_options: Arguments of the task.
        num_locations: With how many locations of memory an NTM leaves training, if not
            with those that it was trained on. The weights do not depend on it.
        curriculum: Arguments of `keras_nm.training.Curriculum` beside the task. Without
            any, training is on all lengths of the task from the start.
        entropy_schedule: Arguments of `keras_nm.training.EntropySchedule` beside the layer.
        loss_options: Arguments of the task's loss.
    """

    task: str
    layer: dict[str, Any]
    optimizer: dict[str, Any]
    batch_size: int
    steps_per_epoch: int
    epochs: int
    stop_below: float
    task_options: dict[str, Any] = field(default_factory=dict)
    num_locations: int | None = None
    curriculum: dict[str, Any] | None = None
    entropy_schedule: dict[str, Any] | None = None
    loss_options: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> str:
        """The settings as text, the same for a recipe and for what a run kept of it."""
        return json.dumps(asdict(self), sort_keys=True)


def _falling(learning_rate, steps):
    """A learning rate that falls to a fiftieth, linearly over `steps`."""
    return {
        "module": "keras.optimizers.schedules",
        "class_name": "PolynomialDecay",
        "config": {
            "initial_learning_rate": learning_rate,
            "decay_steps": steps,
            "end_learning_rate": learning_rate / 50,
        },
    }


def _graves_rmsprop(learning_rate, steps):
    """RMSProp as in Graves 2013 (arXiv 1308.0850, equations 38 to 45).

    With three changes. The learning rate falls to a fiftieth, linearly over `steps`. The
    gradient is clipped to a norm of 1, which is nearly always less than its norm: so
    training is gradient descent with momentum in steps of one length, and one large
    gradient undoes less of what was learned. And the rate is 10 to 40 times as high.
    """
    return {
        "class_name": "RMSprop",
        "config": {
            "learning_rate": _falling(learning_rate, steps),
            "rho": 0.95,
            "momentum": 0.9,
            "epsilon": 1e-4,
            "centered": True,
            "global_clipnorm": 1.0,
        },
    }


def _ntm(controller, num_locations=128, num_heads=1, **options):
    return {
        "module": "keras_nm.layers",
        "class_name": "NTM",
        "registered_name": "keras_nm>NTM",
        "config": {
            "memory_shape": [num_locations, 20],
            "num_read_heads": num_heads,
            "num_write_heads": num_heads,
            "controller": controller,
            **options,
        },
    }


_LSTM_CONTROLLER = {
    "module": "keras.layers",
    "class_name": "LSTMCell",
    "config": {"units": 100},
}
# Against the two ways in which longer copies failed: noise in what drives the heads, which
# a head that hardly holds its place does not survive, and a small memory, where a write
# head that loses its focus while answering does harm in training already. The regularizer
# was meant against counting steps, which no trace showed; more seeds were right with it.
_LSTM_CONTROLLER_OF_COPY = {
    "module": "keras_nm.layers",
    "class_name": "ChainedCell",
    "registered_name": "keras_nm>ChainedCell",
    "config": {
        "layers": [
            {
                **_LSTM_CONTROLLER,
                "config": {
                    **_LSTM_CONTROLLER["config"],
                    "recurrent_regularizer": {
                        "module": "keras.regularizers",
                        "class_name": "L2",
                        "config": {"l2": 1e-4},
                    },
                },
            },
            {
                "module": "keras.layers",
                "class_name": "GaussianNoise",
                "config": {"stddev": 0.2},
            },
        ]
    },
}
_FEEDFORWARD_CONTROLLER = {
    "module": "keras.layers",
    "class_name": "Dense",
    "config": {"units": 100, "activation": "tanh"},
}


def _lstm(units):
    return {"module": "keras.layers", "class_name": "LSTM", "config": {"units": units}}


_LSTM = _lstm(256)


def _sequences(
    task,
    layer,
    steps,
    learning_rate=2e-3,
    stop_below=0.0,
    num_locations=None,
    batch_size=4,
):
    """A recipe for a task of the NTM paper."""
    return Recipe(
        task=task,
        layer=layer,
        optimizer=_graves_rmsprop(learning_rate, steps),
        batch_size=batch_size,
        steps_per_epoch=250,
        epochs=steps // 250,
        stop_below=stop_below,
        num_locations=num_locations,
    )


def _copy(layer, num_locations=None):
    return _sequences("ntm/copy", layer, 7500, num_locations=num_locations)


def _tapes(
    task,
    num_registers,
    num_steps,
    steps,
    lengths,
    num_cells,
    batch_size=16,
    learning_rate=0.01,
    half_life=1500,
    penalty_steps=300,
    penalty=0.5,
    threshold=0.1,
    noise=0.0,
    loss_options=None,
    **layer,
):
    """A recipe for a task of the NRAM paper, which gives none of these numbers.

    What makes the first four learn is the entropy bonus, and room: some steps, registers
    and cells of the tape more than the task's program needs. The others take another order
    of gates as well, or only those of a program, and a bias against stopping or noise in
    the gradient; two of them also a `register_loss`. `lengths` are the smallest and the
    largest; `half_life` and `penalty_steps` are training steps, the latter the last ones,
    in which the entropy's weight is `penalty`.
    """
    return Recipe(
        task=task,
        layer={
            "module": "keras_nm.layers",
            "class_name": "NRAM",
            "registered_name": "keras_nm>NRAM",
            "config": {
                "num_registers": num_registers,
                "num_steps": num_steps,
                "entropy_weight": -4.0,
                "activation_gradient_clip": 16.0,
                **layer,
            },
        },
        optimizer={
            "module": "keras_nm.training",
            "class_name": "NoisyAdam",
            "registered_name": "keras_nm>NoisyAdam",
            "config": {"learning_rate": learning_rate, "noise": noise},
        },
        batch_size=batch_size,
        steps_per_epoch=50,
        epochs=steps // 50,
        # To the end, where the penalty has made the machine discrete.
        stop_below=0.0,
        task_options={
            "min_length": lengths[0],
            "max_length": lengths[1],
            "num_cells": num_cells,
        },
        curriculum={"monitor": "wrong_cells", "threshold": threshold, "min_batches": 50},
        entropy_schedule={
            "half_life": half_life,
            "penalty": penalty,
            "penalty_from": steps - penalty_steps,
        },
        loss_options=loss_options or {},
    )


def _register_trace_loss(program, weight):
    """Keras configuration of a loss on all registers of a program."""
    return {
        "module": "keras_nm.training",
        "class_name": "RegisterTraceLoss",
        "registered_name": "keras_nm>RegisterTraceLoss",
        "config": {"program": json.loads(program.to_json()), "weight": weight},
    }


# In the paper's order what is read cannot be the address of another READ before the list
# begins again. In this one it can: an exchange fits in one step.
_TWO_READS_TWO_WRITES = ["READ", *DEFAULT_GATES, "WRITE"]


def _first(*gates):
    """These gates, then those of the paper that are not among them.

    The gates that a program needs choose among fewer sources where they come first.
    """
    return [*gates, *(gate for gate in DEFAULT_GATES if gate not in gates)]


def _repeat_copy(layer):
    # At 2e-3, three of five seeds did not learn.
    return _sequences("ntm/repeat_copy", layer, 12_500, 1e-3, stop_below=0.02)


def _associative_recall(layer, num_locations=None):
    return _sequences(
        "ntm/associative_recall",
        layer,
        25_000,
        stop_below=0.02,
        num_locations=num_locations,
    )


def _dynamic_ngrams(layer):
    # In batches of 4 it did not learn: 159 bits, where 132 are the optimum.
    return _sequences("ntm/dynamic_ngrams", layer, 5000, batch_size=16)


def _priority_sort(layer, steps, learning_rate):
    return _sequences("ntm/priority_sort", layer, steps, learning_rate, batch_size=16)


# By task, then by the name that the command line calls the layer.
RECIPES = MappingProxyType(
    {
        "ntm/copy": MappingProxyType(
            {
                "ntm": _copy(_ntm(_LSTM_CONTROLLER_OF_COPY, 24), 128),
                "ntm-feedforward": _copy(_ntm(_FEEDFORWARD_CONTROLLER, 24), 128),
                "lstm": _copy(_LSTM),
            }
        ),
        "ntm/repeat_copy": MappingProxyType(
            {
                "ntm": _repeat_copy(_ntm(_LSTM_CONTROLLER)),
                "ntm-feedforward": _repeat_copy(_ntm(_FEEDFORWARD_CONTROLLER)),
                "lstm": _repeat_copy(_LSTM),
            }
        ),
        "ntm/associative_recall": MappingProxyType(
            {
                "ntm": _associative_recall(_ntm(_LSTM_CONTROLLER, 32), 128),
                "ntm-feedforward": _sequences(
                    "ntm/associative_recall",
                    _ntm(_FEEDFORWARD_CONTROLLER, 32, initial_memory="learned"),
                    8000,
                    1e-3,
                    stop_below=0.01,
                    batch_size=16,
                ),
                "lstm": _associative_recall(_LSTM),
            }
        ),
        "ntm/dynamic_ngrams": MappingProxyType(
            {
                "ntm": _dynamic_ngrams(_ntm(_LSTM_CONTROLLER)),
                "ntm-feedforward": _dynamic_ngrams(
                    _ntm(_FEEDFORWARD_CONTROLLER, 64, initial_memory="learned")
                ),
                "lstm": _dynamic_ngrams(_lstm(128)),  # for its time
            }
        ),
        "ntm/priority_sort": MappingProxyType(
            {
                # Where locations differ from the start, a priority can choose one.
                "ntm": _priority_sort(
                    _ntm(_LSTM_CONTROLLER, 64, num_heads=4, initial_memory="learned"),
                    24_000,
                    4e-3,
                ),
                "ntm-feedforward": _priority_sort(
                    _ntm(
                        _FEEDFORWARD_CONTROLLER, 64, num_heads=4, initial_memory="learned"
                    ),
                    24_000,
                    1e-3,
                ),
                "lstm": _priority_sort(_LSTM, 10_000, 2e-3),
            }
        ),
        "nram/access": MappingProxyType(
            {"nram": _tapes("nram/access", 2, 3, 600, (1, 6), 8)}
        ),
        "nram/increment": MappingProxyType(
            {"nram": _tapes("nram/increment", 4, 10, 1500, (1, 8), 12)}
        ),
        "nram/copy": MappingProxyType(
            {"nram": _tapes("nram/copy", 5, 8, 1000, (1, 6), 13)}
        ),
        "nram/reverse": MappingProxyType(
            {"nram": _tapes("nram/reverse", 5, 10, 1000, (1, 6), 16)}
        ),
        "nram/swap": MappingProxyType(
            {
                "nram": _tapes(
                    "nram/swap",
                    4,
                    5,
                    1200,
                    # Of two or three values it is too often right to leave all in place.
                    (4, 6),
                    10,
                    batch_size=32,
                    learning_rate=_falling(0.01, 1200),
                    half_life=300,
                    penalty_steps=600,
                    entropy_weight=-2.0,
                    # One that stops at once is right in most of the cells.
                    stop_bias=-7.0,
                    gates=_TWO_READS_TWO_WRITES,
                )
            }
        ),
        "nram/permutation": MappingProxyType(
            {
                "nram": _tapes(
                    "nram/permutation",
                    3,
                    8,
                    600,
                    # Begun with one value, more seeds stayed there in the search.
                    (3, 6),
                    13,
                    half_life=100,
                    penalty_steps=200,
                    noise=0.01,
                    entropy_weight=-2.0,
                    gates=_first("READ", "INC", "READ", "ADD", "READ", "WRITE"),
                )
            }
        ),
        "nram/list_k": MappingProxyType(
            {
                "nram": _tapes(
                    "nram/list_k",
                    3,
                    7,
                    1500,
                    (1, 5),
                    14,
                    batch_size=32,
                    half_life=400,
                    threshold=0.5,
                    noise=0.005,
                    entropy_weight=-1.0,
                    # Or it learns to answer at once, and nothing else.
                    stop_bias=-7.0,
                    gates=_first(
                        "ONE", "TWO", "INC", "READ", "READ", "READ", "DEC", "WRITE"
                    ),
                )
            }
        ),
        "nram/list_search": MappingProxyType(
            {
                "nram": _tapes(
                    "nram/list_search",
                    4,
                    8,
                    1500,
                    # In shorter lists the head is the answer too often.
                    (4, 5),
                    16,
                    batch_size=32,
                    learning_rate=_falling(0.01, 1500),
                    half_life=300,
                    penalty=1.0,
                    threshold=0.5,
                    noise=0.003,
                    entropy_weight=-8.0,
                    stop_bias=-2.0,
                    gates=list(LIST_SEARCH_IN_ONE_CIRCUIT.gates),
                    # From answers alone it learns to answer with the head.
                    register_loss=_register_trace_loss(LIST_SEARCH_IN_ONE_CIRCUIT, 3.0),
                    loss_options={"likelihood": "log_expected"},
                )
            }
        ),
        "nram/merge": MappingProxyType(
            {
                "nram": _tapes(
                    "nram/merge",
                    4,
                    9,
                    1500,
                    # The best setting known. No seed learned it. With 2 values, arrays
                    # and answer always begin at the same addresses.
                    (5, 6),
                    18,
                    batch_size=32,
                    learning_rate=_falling(0.01, 1500),
                    half_life=300,
                    penalty=1.0,
                    threshold=0.5,
                    entropy_weight=-6.0,
                    stop_bias=-4.0,
                    gates=list(MERGE_IN_ONE_CIRCUIT.gates),
                    register_loss=_register_trace_loss(MERGE_IN_ONE_CIRCUIT, 10.0),
                )
            }
        ),
        "nram/walk_bst": MappingProxyType(
            {
                "nram": _tapes(
                    "nram/walk_bst",
                    4,
                    8,
                    1500,
                    # With fewer nodes most paths are short, and a machine that is right
                    # for those only has little left to learn.
                    (4, 5),
                    24,
                    batch_size=32,
                    learning_rate=_falling(0.03, 1500),
                    half_life=100,
                    threshold=0.2,
                    entropy_weight=-16.0,
                    activation_gradient_clip=1.0,
                    stop_bias=-4.0,
                    # Only these: with the others at the end fewer seeds learned it.
                    gates=[
                        "TWO",
                        "ONE",
                        "INC",
                        "READ",
                        "READ",
                        "READ",
                        "ADD",
                        "READ",
                        "WRITE",
                    ],
                )
            }
        ),
    }
)
