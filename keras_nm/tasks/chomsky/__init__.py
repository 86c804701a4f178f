"""Tasks of the Chomsky hierarchy (Delétang et al. 2023)."""

from keras_nm.tasks.chomsky.binary_addition import BinaryAddition
from keras_nm.tasks.chomsky.binary_multiplication import BinaryMultiplication
from keras_nm.tasks.chomsky.bucket_sort import BucketSort
from keras_nm.tasks.chomsky.chomsky_task import ChomskyTask
from keras_nm.tasks.chomsky.compute_sqrt import ComputeSqrt
from keras_nm.tasks.chomsky.cycle_navigation import CycleNavigation
from keras_nm.tasks.chomsky.duplicate_string import DuplicateString
from keras_nm.tasks.chomsky.even_pairs import EvenPairs
from keras_nm.tasks.chomsky.missing_duplicate_string import MissingDuplicateString
from keras_nm.tasks.chomsky.modular_arithmetic import ModularArithmetic
from keras_nm.tasks.chomsky.modular_arithmetic_brackets import ModularArithmeticBrackets
from keras_nm.tasks.chomsky.odds_first import OddsFirst
from keras_nm.tasks.chomsky.parity_check import ParityCheck
from keras_nm.tasks.chomsky.reverse_string import ReverseString
from keras_nm.tasks.chomsky.solve_equation import SolveEquation
from keras_nm.tasks.chomsky.stack_manipulation import StackManipulation

__all__ = [
    "BinaryAddition",
    "BinaryMultiplication",
    "BucketSort",
    "ChomskyTask",
    "ComputeSqrt",
    "CycleNavigation",
    "DuplicateString",
    "EvenPairs",
    "MissingDuplicateString",
    "ModularArithmetic",
    "ModularArithmeticBrackets",
    "OddsFirst",
    "ParityCheck",
    "ReverseString",
    "SolveEquation",
    "StackManipulation",
]
