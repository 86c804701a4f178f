"""Tasks with generated data, from papers on machines as in `keras_nm.layers`.

`TASKS` declares everything that is known about each task. `keras_nm.tasks.datasets` has
frozen datasets of the tasks. It must be imported separately.
"""

from keras_nm.tasks import chomsky, dnc, neural_gpu, npi, nram, ntm, stack
from keras_nm.tasks.draws import PATTERNS
from keras_nm.tasks.guess import guess_accuracy
from keras_nm.tasks.sequence_task import SequenceTask
from keras_nm.tasks.spec import TaskSpec
from keras_nm.tasks.table import TASKS
from keras_nm.tasks.task import SPLITS, Task
from keras_nm.tasks.token_task import TokenTask

__all__ = [
    "PATTERNS",
    "SPLITS",
    "TASKS",
    "SequenceTask",
    "Task",
    "TaskSpec",
    "TokenTask",
    "chomsky",
    "dnc",
    "guess_accuracy",
    "neural_gpu",
    "npi",
    "nram",
    "ntm",
    "stack",
]
