"""The Neural GPU."""

from keras_nm.layers.neural_gpu.layer import NeuralGPU

__all__ = ["NeuralGPU"]
