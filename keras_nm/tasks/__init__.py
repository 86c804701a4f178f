"""Tasks with generated data, from the papers of the machines in `keras_nm.layers`."""

from types import MappingProxyType

from keras_nm.tasks import nram
from keras_nm.tasks.copy import Copy
from keras_nm.tasks.task import Task

# Every task by the name that recipes, runs and the command line use.
TASKS = MappingProxyType({"copy": Copy})

__all__ = ["TASKS", "Copy", "Task", "nram"]
