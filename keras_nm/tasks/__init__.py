"""Tasks with generated data, from the papers on the machines in `keras_nm.layers`.

`TASKS` declares everything that is known about each task. `keras_nm.tasks.datasets` has
frozen datasets of the tasks. It must be imported separately.
"""

from keras_nm.tasks import nram, ntm
from keras_nm.tasks.draws import PATTERNS
from keras_nm.tasks.table import TASKS, TaskSpec
from keras_nm.tasks.task import SPLITS, Task

__all__ = ["PATTERNS", "SPLITS", "TASKS", "Task", "TaskSpec", "nram", "ntm"]
