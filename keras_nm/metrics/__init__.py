"""Losses and metrics of the tasks, and numbers and text on machines in training."""

from keras_nm.metrics.calls import CallLoss, WrongCalls, WrongSteps
from keras_nm.metrics.measure import Measure
from keras_nm.metrics.sequences import (
    BitsPerSequence,
    BitsPerSequenceLoss,
    ExactSequences,
    OptimalBitsPerSequence,
    WrongBitsPerSequence,
)
from keras_nm.metrics.tapes import (
    DiscreteMachine,
    ExactTapes,
    MeanSteps,
    StepPenalty,
    TapeLoss,
    WrongCells,
)
from keras_nm.metrics.tokens import ExactAnswers, TokenLoss, WrongTokens

__all__ = [
    "BitsPerSequence",
    "BitsPerSequenceLoss",
    "CallLoss",
    "DiscreteMachine",
    "ExactAnswers",
    "ExactSequences",
    "ExactTapes",
    "MeanSteps",
    "Measure",
    "OptimalBitsPerSequence",
    "StepPenalty",
    "TapeLoss",
    "TokenLoss",
    "WrongBitsPerSequence",
    "WrongCalls",
    "WrongCells",
    "WrongSteps",
    "WrongTokens",
]
