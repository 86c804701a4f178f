"""Training on the tasks: losses, metrics, callbacks, recipes and runs, by one name."""

import importlib.util

from keras_nm.callbacks import (
    EntropySchedule,
    GradientNorm,
    LayerMeasures,
    PullSchedule,
    SaturationSchedule,
    SaveModel,
    StopBelow,
)
from keras_nm.metrics import (
    BitsPerSequence,
    BitsPerSequenceLoss,
    CallLoss,
    ExactAnswers,
    ExactSequences,
    ExactTapes,
    MeanSteps,
    OptimalBitsPerSequence,
    StepPenalty,
    TapeLoss,
    TokenLoss,
    WrongBitsPerSequence,
    WrongCalls,
    WrongCells,
    WrongSteps,
    WrongTokens,
)
from keras_nm.optimizers import ClippedAdamax, NoisyAdam
from keras_nm.programs.register_loss import RegisterTraceLoss

# The old name, from when it measured only an `NRAM`.
DiscreteError = LayerMeasures

__all__ = [
    "BitsPerSequence",
    "BitsPerSequenceLoss",
    "CallLoss",
    "ClippedAdamax",
    "DiscreteError",
    "EntropySchedule",
    "ExactAnswers",
    "ExactSequences",
    "ExactTapes",
    "GradientNorm",
    "LayerMeasures",
    "MeanSteps",
    "NoisyAdam",
    "OptimalBitsPerSequence",
    "PullSchedule",
    "RegisterTraceLoss",
    "SaturationSchedule",
    "SaveModel",
    "StepPenalty",
    "StopBelow",
    "TapeLoss",
    "TokenLoss",
    "WrongBitsPerSequence",
    "WrongCalls",
    "WrongCells",
    "WrongSteps",
    "WrongTokens",
]

# Runs need pipelines, which run in TensorFlow.
if importlib.util.find_spec("tensorflow"):
    from keras_nm.callbacks import Curriculum, ErrorSampling, Probe
    from keras_nm.recipes import RECIPES
    from keras_nm.runs.directory import RunError
    from keras_nm.runs.evaluation import (
        describe,
        evaluate,
        evaluate_range,
        evaluate_runs,
        evaluate_structured,
    )
    from keras_nm.runs.population import train_population
    from keras_nm.runs.recipe import Recipe, build_model
    from keras_nm.runs.report import write_report
    from keras_nm.runs.run import Run, load_run, resume, train, train_or_resume
    from keras_nm.runs.sweep import read_rows, sweep, train_and_measure

    __all__ += [
        "RECIPES",
        "Curriculum",
        "ErrorSampling",
        "Probe",
        "Recipe",
        "Run",
        "RunError",
        "build_model",
        "describe",
        "evaluate",
        "evaluate_range",
        "evaluate_runs",
        "evaluate_structured",
        "load_run",
        "read_rows",
        "resume",
        "sweep",
        "train",
        "train_and_measure",
        "train_or_resume",
        "train_population",
        "write_report",
    ]


def __getattr__(name):
    # Imported only when needed, because it takes matplotlib, which is an extra.
    if name == "pictures":
        from keras_nm.runs import pictures

        return pictures
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
