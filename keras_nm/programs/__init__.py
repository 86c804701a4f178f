"""Programs of the Neural Random-Access Machine: write, run, print, and put into weights.

`keras_nm.programs.npi` has those of the Neural Programmer-Interpreter.
"""

from keras_nm.programs import npi
from keras_nm.programs.circuit import Circuit
from keras_nm.programs.execution import execution_table
from keras_nm.programs.program import Program
from keras_nm.programs.solutions import PROGRAMS

__all__ = ["PROGRAMS", "Circuit", "Program", "execution_table", "npi"]
