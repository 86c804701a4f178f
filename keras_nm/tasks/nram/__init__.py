"""The ten tasks of the Neural Random-Access Machine."""

from keras_nm.tasks.nram.access import Access
from keras_nm.tasks.nram.copy import Copy
from keras_nm.tasks.nram.increment import Increment
from keras_nm.tasks.nram.list_k import ListK
from keras_nm.tasks.nram.list_search import ListSearch
from keras_nm.tasks.nram.merge import Merge
from keras_nm.tasks.nram.permutation import Permutation
from keras_nm.tasks.nram.reverse import Reverse
from keras_nm.tasks.nram.swap import Swap
from keras_nm.tasks.nram.tape_task import TapeTask
from keras_nm.tasks.nram.walk_bst import WalkBST

__all__ = [
    "Access",
    "Copy",
    "Increment",
    "ListK",
    "ListSearch",
    "Merge",
    "Permutation",
    "Reverse",
    "Swap",
    "TapeTask",
    "WalkBST",
]
