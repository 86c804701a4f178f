"""Tasks with generated data, from the papers of the machines in `keras_nm.layers`.

`TASKS` says all that is known of each. `keras_nm.tasks.datasets`, which is imported by
itself, has frozen datasets of them.
"""

from keras_nm.tasks import nram, ntm
from keras_nm.tasks.draws import PATTERNS
from keras_nm.tasks.table import TASKS, TaskSpec
from keras_nm.tasks.task import SPLITS, Task

__all__ = ["PATTERNS", "SPLITS", "TASKS", "Task", "TaskSpec", "nram", "ntm"]
