"""The endpoints of a model of one `NRAM`: on distributions, on integers, and one step."""

import json

from keras_nm.export.layers import machine_alone, tensor_spec
from keras_nm.layers import split_outputs
from keras_nm.layers.choices import first_largest
from keras_nm.programs import Program


def add_endpoints(archive, model):
    """Adds a model of one `NRAM` layer to a `keras.export.ExportArchive`.

    The batch size, M and the number of steps are dynamic. A controller with states adds
    `controller_state_0` and so on to the inputs and the outputs of `step`.

    ==================  ==========================================================
    endpoint            from -> to
    ==================  ==========================================================
    `fuzzy`             `tape` (batch, M) in integers and `num_steps`, an integer
                        -> `tape` (batch, M), the answer in integers,
                        `probabilities` (batch, M, M), the expected tape, and
                        `num_steps` (batch,), the expected number of steps
    `integer`           `tape` and `num_steps`
                        -> `tape` (batch, M), `registers` (batch, R) and
                        `num_steps` (batch,)
    `step`              `tape` (batch, M) and `registers` (batch, R), at first all 0
                        -> the new `tape` and `registers`, the `outputs` (batch, S) of
                        all gates in order, and `stop` (batch,), 1 after the last step
    ==================  ==========================================================

    Args:
        archive: The `ExportArchive`.
        model: A built `keras.Model`.

    Raises:
        ValueError: If the layer is not alone in the model.
    """
    machine, call = machine_alone(model)
    selection = call.arguments.kwargs.get("selection")

    def fuzzy(inputs):
        outputs = machine(
            inputs["tape"], num_steps=inputs["num_steps"], selection=selection
        )
        parts = split_outputs(outputs)
        return {
            "tape": first_largest(parts["tape"]),
            "probabilities": parts["tape"],
            "num_steps": parts["num_steps"],
        }

    def integer(inputs):
        return machine.run_integers(inputs["tape"], num_steps=inputs["num_steps"])

    def step(inputs):
        states = [inputs[name] for name in state_specs]
        result, states = machine.step_integers(inputs["tape"], inputs["registers"], states)
        return {**result, **dict(zip(state_specs, states, strict=True))}

    tape_spec = tensor_spec("tape", None, None, dtype="int32")
    specs = {"tape": tape_spec, "num_steps": tensor_spec("num_steps", dtype="int32")}
    cell = machine.cell
    state_specs = {
        name: tensor_spec(name, None, *state.shape[1:], dtype=state.dtype)
        for index, state in enumerate(cell.initial_controller_states(1))
        for name in [f"controller_state_{index}"]
    }
    registers_spec = tensor_spec("registers", None, cell.num_registers, dtype="int32")
    step_specs = {"tape": tape_spec, "registers": registers_spec, **state_specs}
    archive.track(model)
    archive.add_endpoint("fuzzy", fuzzy, [specs])
    archive.add_endpoint("integer", integer, [specs])
    archive.add_endpoint("step", step, [step_specs])


def facts(layer):
    """Returns the facts that a card holds about an `NRAM` layer.

    Args:
        layer: The built layer.

    Returns:
        A dict: `"program"` for people and `"rules"` for `Program.from_json`, if the
        controller has no states, and `"also_trained_on"`, if the layer has a
        `register_loss`.
    """
    known = {}
    if layer.register_loss is not None:
        known["also_trained_on"] = "the registers of a program after each of its steps"
    try:
        program = Program.from_layer(layer)
    except ValueError:  # a controller with states has no program
        return known
    return {**known, "program": str(program), "rules": json.loads(program.to_json())}
