"""The eight tasks of the stack-augmented recurrent network."""

from keras_nm.tasks.stack.binary_addition import BinaryAddition
from keras_nm.tasks.stack.counting import AnB2n, AnBkCnk, AnBmCnm, AnBn, AnBnCn, AnBnCnDn
from keras_nm.tasks.stack.reverse_memorization import ReverseMemorization

__all__ = [
    "AnB2n",
    "AnBkCnk",
    "AnBmCnm",
    "AnBn",
    "AnBnCn",
    "AnBnCnDn",
    "BinaryAddition",
    "ReverseMemorization",
]
