"""Tasks of the Neural GPU (Kaiser and Sutskever 2016), which are answered in place."""

from keras_nm.tasks.neural_gpu.arithmetic_task import ArithmeticTask
from keras_nm.tasks.neural_gpu.binary_addition import BinaryAddition
from keras_nm.tasks.neural_gpu.binary_multiplication import BinaryMultiplication
from keras_nm.tasks.neural_gpu.duplicate import Duplicate
from keras_nm.tasks.neural_gpu.neural_gpu_task import NeuralGPUTask
from keras_nm.tasks.neural_gpu.quaternary_multiplication import QuaternaryMultiplication
from keras_nm.tasks.neural_gpu.reverse import Reverse
from keras_nm.tasks.neural_gpu.sort import Sort
from keras_nm.tasks.neural_gpu.string_task import StringTask

__all__ = [
    "ArithmeticTask",
    "BinaryAddition",
    "BinaryMultiplication",
    "Duplicate",
    "NeuralGPUTask",
    "QuaternaryMultiplication",
    "Reverse",
    "Sort",
    "StringTask",
]
