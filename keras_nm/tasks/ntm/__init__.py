"""The five tasks of the Neural Turing Machine."""

from keras_nm.tasks.ntm.associative_recall import AssociativeRecall
from keras_nm.tasks.ntm.copy import Copy
from keras_nm.tasks.ntm.dynamic_ngrams import DynamicNGrams
from keras_nm.tasks.ntm.priority_sort import PrioritySort
from keras_nm.tasks.ntm.repeat_copy import RepeatCopy

__all__ = [
    "AssociativeRecall",
    "Copy",
    "DynamicNGrams",
    "PrioritySort",
    "RepeatCopy",
]
