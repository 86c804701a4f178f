"""Reads the programs that runs have learned, and runs them on 10,000 random tapes.

    python examples/check_programs.py runs/reverse/nram-*

Of every size up to 50, and then of 250 on tapes of 1,000 cells or, for trees, three more. A
program takes integers and no network. The shortest program that is never wrong is printed.
"""

import dataclasses
import sys
from pathlib import Path

import numpy as np

from keras_nm.programs import Program
from keras_nm.training import load_run

# Lengths, cells of the tape at least, and tapes.
CASES = {"up to 50": ((None, 50), None, 10_000), "250, M >= 1,000": ((250, 250), 1000, 200)}


def wrong_tapes(program, run, lengths, num_cells, num_tapes):
    """How many tapes have a wrong answer cell."""
    trained = run.task
    smallest, largest = lengths
    task = trained.with_room_for(smallest or trained.min_length, largest)
    if num_cells is not None:
        num_cells = max(num_cells, task.smallest_tape(largest))
        task = dataclasses.replace(task, num_cells=num_cells)
    batch = task.evaluation_set(batch_size=num_tapes, num_batches=1)
    [(tape, answer, cells)] = batch.as_numpy_iterator()
    # As many steps to spare as in training.
    spare = run.model.get_layer("machine").num_steps - trained.num_steps
    result = program.run(tape, num_steps=task.num_steps + spare)
    return int(np.any((result != answer) & (cells > 0), axis=1).sum())


best = None
for directory in map(Path, sys.argv[1:]):
    run = load_run(directory)
    try:
        program = Program.from_layer(run.model.get_layer("machine"))
    except ValueError as error:  # its training diverged
        print(f"{directory}: {error}", flush=True)
        continue
    wrong = {name: wrong_tapes(program, run, *case) for name, case in CASES.items()}
    described = ", ".join(
        f"{count} of {CASES[name][2]:,} ({name})" for name, count in wrong.items()
    )
    print(f"{directory}: wrong tapes {described}", flush=True)
    text = str(program)
    if not any(wrong.values()) and (best is None or len(text) < len(best[1])):
        best = directory, text
if best is not None:
    print("\n{}\n{}".format(*best))
