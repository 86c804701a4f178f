"""Programs of the Neural Programmer-Interpreter: shown, learned, run and verified.

A `Library` holds the programs of a task and shows every step of them. A trained `NPI` layer
takes the place of the one who shows:

>>> from keras_nm.programs import npi
>>> library = npi.Addition()
>>> pad = library.environment(96, 125)
>>> npi.Interpreter(library).run(pad)
33
>>> pad.result
221

`Interpreter(library, layer)` runs a layer, and `verify(library, layer)` checks it in every
situation that there is.
"""

from keras_nm.programs.npi.addition import Addition, ScratchPad
from keras_nm.programs.npi.bubble_sort import ArrayPad, BubbleSort
from keras_nm.programs.npi.interpreter import ExecutionError, Interpreter, call_tree
from keras_nm.programs.npi.library import Call, Environment, Library, Step
from keras_nm.programs.npi.verification import Verification, verify

__all__ = [
    "Addition",
    "ArrayPad",
    "BubbleSort",
    "Call",
    "Environment",
    "ExecutionError",
    "Interpreter",
    "Library",
    "ScratchPad",
    "Step",
    "Verification",
    "call_tree",
    "verify",
]
