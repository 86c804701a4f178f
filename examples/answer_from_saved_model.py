"""Asks an exported copy model for answers, with TensorFlow and without keras_nm.

    python examples/answer_from_saved_model.py SAVED_MODEL_DIR

Prints one sequence beside what the model answers: as a whole sequence, and step by step
with the machine's state in the caller's hands.
"""

import sys

import numpy as np
import tensorflow as tf

# A server has no keras_nm: importing it is an error here.
sys.modules["keras_nm"] = None

LENGTH, BITS = 12, 8

model = tf.saved_model.load(sys.argv[1])

target = np.random.default_rng(0).integers(0, 2, (LENGTH, BITS))
sequence = np.zeros((1, 2 * LENGTH + 1, BITS + 1), "float32")
sequence[0, :LENGTH, :BITS] = target
sequence[0, LENGTH, BITS] = 1  # the delimiter: now repeat

logits = model.signatures["sequence"](inputs=sequence)["outputs"]
answer = np.asarray(logits)[0, LENGTH + 1 :] > 0

states = model.signatures["initial_state"](batch_size=tf.constant(1))
steps = []
for inputs in np.swapaxes(sequence, 0, 1):
    states = model.signatures["step"](inputs=inputs, **states)
    steps.append(np.asarray(states.pop("outputs"))[0] > 0)
stepwise_answer = np.array(steps[LENGTH + 1 :])


def row(bits):
    return "".join("#" if bit else "." for bit in bits)


print("target    answer    step by step")
for each in zip(target, answer, stepwise_answer, strict=True):
    print("  ".join(row(bits) for bits in each))
wrong = int(np.sum(answer != target) + np.sum(stepwise_answer != target))
print(f"{wrong} wrong bits of {2 * target.size}, answered without keras_nm")
sys.exit(1 if wrong else 0)
