"""Programs of the Neural Random-Access Machine: write, run, print, and put into weights."""

from keras_nm.programs.circuit import Circuit
from keras_nm.programs.execution import execution_table
from keras_nm.programs.program import Program
from keras_nm.programs.solutions import PROGRAMS

__all__ = ["PROGRAMS", "Circuit", "Program", "execution_table"]
