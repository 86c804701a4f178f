"""Puts a program into the weights of a Neural Random-Access Machine and exports it.

    python examples/export_program.py list_k saved_models/nram_list_k

The program is one of `keras_nm.programs.PROGRAMS`. Nothing is trained. The card of the
exported model holds the program, and its errors on tapes of its task.
"""

import sys

import keras

import keras_nm

LENGTHS = (10, 50)

name, path = sys.argv[1:]
program = keras_nm.programs.PROGRAMS[name]
spec = keras_nm.tasks.TASKS[f"nram/{name}"]

layer = keras_nm.layers.NRAM(program.num_registers, gate_repeats=program.gate_repeats)
program.into_layer(layer)
results = []
for length in LENGTHS:
    task = spec.make(min_length=length, max_length=length)
    tape = keras.Input((None,), dtype="int32")
    model = keras.Model(tape, layer(tape, num_steps=task.num_steps))
    model.compile(**spec.compile_arguments(task))
    measured = model.evaluate(
        task.evaluation_set(length, batch_size=64, num_batches=2),
        verbose=0,
        return_dict=True,
    )
    del measured["loss"]
    result = {"length": length, "num_steps": task.num_steps, **measured}
    results.append({**result, "examples": 128})
card = {
    "task": f"nram/{name}",
    "paper": f"{spec.paper.name}, section {spec.section}",
    "layer": {
        "class_name": "NRAM",
        "num_registers": program.num_registers,
        "gate_repeats": program.gate_repeats,
    },
    "license": "Apache-2.0",
    "made": "A program written into the weights: nothing is trained",
    "results": results,
}
print(keras_nm.export.export(model, path, card=card))
