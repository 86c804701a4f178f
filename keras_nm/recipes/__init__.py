"""The best settings that we know, as plain data: one recipe per task and layer."""

from types import MappingProxyType

from keras_nm.recipes.chomsky import CHOMSKY_RECIPES
from keras_nm.recipes.dnc import DNC_RECIPES
from keras_nm.recipes.lstm import LSTM_RECIPES
from keras_nm.recipes.neural_gpu import NEURAL_GPU_RECIPES
from keras_nm.recipes.npi import NPI_RECIPES
from keras_nm.recipes.nram import NRAM_RECIPES
from keras_nm.recipes.ntm import NTM_RECIPES
from keras_nm.recipes.stack import STACK_RECIPES

__all__ = ["RECIPES"]


def _by_task(recipes):
    by_task = {}
    for recipe in recipes:
        by_task.setdefault(recipe.task, {})[recipe.name] = recipe
    return MappingProxyType({task: MappingProxyType(x) for task, x in by_task.items()})


# By task, then by the layer's name on the command line.
RECIPES = _by_task(
    (
        *NTM_RECIPES,
        *DNC_RECIPES,
        *NRAM_RECIPES,
        *STACK_RECIPES,
        *CHOMSKY_RECIPES,
        *LSTM_RECIPES,
        *NEURAL_GPU_RECIPES,
        *NPI_RECIPES,
    )
)
