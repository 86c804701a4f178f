"""Programs of the Neural Programmer-Interpreter: shown, learned, run and verified.

A `Library` holds the programs of a task and shows every step of them. An `Interpreter` runs
them:

>>> from keras_nm.programs import npi
>>> library = npi.Addition()
>>> pad = library.environment(96, 125)
>>> npi.Interpreter(library).run(pad)
33
>>> pad.result
221

`Interpreter(library, layer)` runs what an `NPI` layer has learned, and
`verify(library, layer)` checks it in every call that the programs can ever make.
"""

from keras_nm.programs.npi.addition import Addition, ScratchPad
from keras_nm.programs.npi.bubble_sort import ArrayPad, BubbleSort
from keras_nm.programs.npi.interpreter import Event, ExecutionError, Interpreter, call_tree
from keras_nm.programs.npi.library import Call, Environment, Library, Step
from keras_nm.programs.npi.verification import Fault, Verification, verify

__all__ = [
    "Addition",
    "ArrayPad",
    "BubbleSort",
    "Call",
    "Environment",
    "Event",
    "ExecutionError",
    "Fault",
    "Interpreter",
    "Library",
    "ScratchPad",
    "Step",
    "Verification",
    "call_tree",
    "verify",
]
