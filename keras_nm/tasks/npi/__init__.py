"""Tasks of the Neural Programmer-Interpreter (Reed and de Freitas 2016)."""

from keras_nm.tasks.npi.addition import Addition
from keras_nm.tasks.npi.bubble_sort import BubbleSort
from keras_nm.tasks.npi.call_task import CallTask

__all__ = ["Addition", "BubbleSort", "CallTask"]
