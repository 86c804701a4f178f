"""The base of the tasks on strings (Kaiser and Sutskever 2016)."""

from dataclasses import dataclass

from keras_nm.arguments import check_integer
from keras_nm.tasks.neural_gpu.neural_gpu_task import NeuralGPUTask


@dataclass(frozen=True, kw_only=True)
class StringTask(NeuralGPUTask):
    """A source of strings of random symbols.

    Args:
        num_symbols: Positive integer, the number of different symbols. Defaults to `2`, as
            in the paper. Freivalds and Liepins (2017) sort 5.
        **options: Those of `NeuralGPUTask`.

    Raises:
        ValueError: As for `NeuralGPUTask`, and if `num_symbols` is not positive.
    """

    num_symbols: int = 2

    def __post_init__(self):
        super().__post_init__()
        check_integer("num_symbols", self.num_symbols)

    @property
    def num_classes(self):
        """Integer, the number of different symbols."""
        return self.num_symbols

    @property
    def input_size(self):
        return self.num_symbols

    def tokens(self, draws, lengths):
        among = draws.first(lengths, self.max_length)
        return draws.integer_data(0, self.num_symbols, among)
