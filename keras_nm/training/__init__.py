"""Training on the tasks: losses, metrics, callbacks, recipes and runs."""

import importlib.util

from keras_nm.training.bits import (
    BitsPerSequence,
    BitsPerSequenceLoss,
    ExactSequences,
    OptimalBitsPerSequence,
    WrongBitsPerSequence,
)
from keras_nm.training.callbacks import (
    DiscreteError,
    EntropySchedule,
    GradientNorm,
    SaveModel,
    StopBelow,
)
from keras_nm.training.optimizers import NoisyAdam
from keras_nm.training.recipes import RECIPES, Recipe
from keras_nm.training.tapes import (
    ExactTapes,
    MeanSteps,
    StepPenalty,
    TapeLoss,
    WrongCells,
)
from keras_nm.training.traces import RegisterTraceLoss

__all__ = [
    "RECIPES",
    "BitsPerSequence",
    "BitsPerSequenceLoss",
    "DiscreteError",
    "EntropySchedule",
    "ExactSequences",
    "ExactTapes",
    "GradientNorm",
    "MeanSteps",
    "NoisyAdam",
    "OptimalBitsPerSequence",
    "Recipe",
    "RegisterTraceLoss",
    "SaveModel",
    "StepPenalty",
    "StopBelow",
    "TapeLoss",
    "WrongBitsPerSequence",
    "WrongCells",
]

# Runs are of pipelines.
if importlib.util.find_spec("tensorflow"):
    from keras_nm.training.curriculum import Curriculum
    from keras_nm.training.evaluation import (
        describe,
        evaluate,
        evaluate_runs,
        evaluate_structured,
    )
    from keras_nm.training.population import train_population
    from keras_nm.training.probe import Probe
    from keras_nm.training.report import write_report
    from keras_nm.training.run import (
        Run,
        RunError,
        build_model,
        load_run,
        resume,
        train,
    )
    from keras_nm.training.sweep import sweep, train_and_measure

    __all__ += [
        "Curriculum",
        "Probe",
        "Run",
        "RunError",
        "build_model",
        "describe",
        "evaluate",
        "evaluate_runs",
        "evaluate_structured",
        "load_run",
        "resume",
        "sweep",
        "train",
        "train_and_measure",
        "train_population",
        "write_report",
    ]
