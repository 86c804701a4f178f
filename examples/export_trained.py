"""Exports a model that was trained without a recipe, with a card that tells what it can do.

    python examples/export_trained.py model.keras neural_gpu/binary_multiplication \\
        saved_models/neural_gpu_multiplication --lengths 41 101 \\
        --made "Trained on a GPU" --max-length 41

The model is a file of Keras. It takes and gives what the task does: here it is measured on
128 problems of each length, from the test split.
"""

import argparse
import dataclasses

import keras

import keras_nm

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("model")
parser.add_argument("task", choices=list(keras_nm.tasks.TASKS))
parser.add_argument("saved_model", help="the folder of all versions")
parser.add_argument("--lengths", type=int, nargs="+", required=True)
parser.add_argument("--made", required=True, help="how the model was trained, in words")
parser.add_argument("--license", help="the model's license, such as MIT")
parser.add_argument("--seed", type=int)
parser.add_argument("--max-length", type=int, help="up to which length it was trained")
options = parser.parse_args()

spec = keras_nm.tasks.TASKS[options.task]
given = {} if options.max_length is None else {"max_length": options.max_length}
task = spec.make(**given)
model = keras.saving.load_model(options.model)
model.compile(**spec.compile_arguments(task))
kinds = keras_nm.machines.MACHINES
machines = [each for each in model.layers if type(each).__name__ in kinds]
if len(machines) != 1:
    parser.error(
        f"{options.model} must have one machine, a layer such as {', '.join(kinds)}. Its "
        f"layers are {', '.join(type(each).__name__ for each in model.layers)}"
    )
[layer] = machines
if keras_nm.machines.MACHINES[type(layer).__name__].task_change is not None:
    parser.error(
        f"the {type(layer).__name__} takes more steps for longer examples, which needs a "
        "recipe: train with `keras-nm train` and export with `keras-nm export`"
    )
results = []
for length in options.lengths:
    data = task.evaluation_set(length, batch_size=64, num_batches=2)
    measured = model.evaluate(data, verbose=0, return_dict=True)
    del measured["loss"]
    results.append({"length": length, **measured, "examples": 128})
# `keras-nm page` reads the sizes of the layer in the card.
config = {
    name: value
    for name, value in layer.get_config().items()
    if isinstance(value, int | float | str | list | tuple)
}
card = {
    "task": options.task,
    "task_options": dataclasses.asdict(task),
    "paper": f"{spec.paper.name}, section {spec.section}",
    "layer": {"class_name": type(layer).__name__, **config},
    **({} if options.license is None else {"license": options.license}),
    **({} if options.seed is None else {"seed": options.seed}),
    "made": options.made,
    "results": results,
}
print(keras_nm.export.export(model, options.saved_model, card=card))
