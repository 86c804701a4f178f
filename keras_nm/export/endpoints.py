"""The named endpoints of an exported model: its signatures."""

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from keras_nm.layers.integer_machine import first_largest
from keras_nm.layers.nram import NRAM, split_outputs


def add_endpoints(archive, model):
    """Adds a model and its endpoints to a `keras.export.ExportArchive`.

    A model of recurrent layers, such as `NTM`, has three. Batch and time are dynamic. A
    state's name is its layer's name and its own, such as `ntm_weightings`.

    ==================  ==========================================================
    endpoint            from -> to
    ==================  ==========================================================
    `sequence`          `inputs` (batch, timesteps, features)
                        -> `outputs` (batch, timesteps, units)
    `step`              `inputs` (batch, features) and every state (batch, size)
                        -> `outputs` (batch, units) and every new state
    `initial_state`     `batch_size`, an integer -> every state
    ==================  ==========================================================

    A model of one `NRAM` layer has three, the machine on distributions, on integers, and
    one step of that. Batch, M and the number of steps are dynamic. A controller with states
    adds `controller_state_0` and so on to the inputs and the outputs of `step`.

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
                        -> the new `tape` and `registers`, `outputs` (batch, S), of all
                        gates in their order, and `stop` (batch,), 1 after the last step
    ==================  ==========================================================

    The first endpoint is also `serving_default`.

    Raises:
        ValueError: If the model is not built, or cannot be run step by step.
    """
    machine = find_machine(model)
    if machine is not None:
        _add_machine_endpoints(archive, model, machine)
    else:
        _add_sequence_endpoints(archive, model)


def _spec(name, *shape, dtype):
    return tf.TensorSpec(shape, dtype, name)


def find_machine(model):
    """The `NRAM` layer of a model that is nothing else, or `None`."""
    if not isinstance(model, keras.Model) or not model.built:
        raise ValueError(f"Export takes a built keras.Model. Received: {model!r}")
    machines = [x for x in _flatten_sequentials(model) if isinstance(x, NRAM)]
    if not machines:
        return None
    history = model.outputs[0]._keras_history
    node = history.operation._inbound_nodes[history.node_index]
    alone = history.operation is machines[0] and len(model.outputs) == 1
    if not alone or node.input_tensors != model.inputs:
        raise ValueError(
            "Export takes an NRAM layer as a model of its own, from a tape to the layer's "
            f"output. Received the layers {[layer.name for layer in model.layers]} with "
            f"inputs {model.inputs} and outputs {model.outputs}"
        )
    return machines[0]


def _add_machine_endpoints(archive, model, machine):
    history = model.outputs[0]._keras_history
    node = machine._inbound_nodes[history.node_index]
    selection = node.arguments.kwargs.get("selection")

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

    tape_spec = _spec("tape", None, None, dtype="int32")
    specs = {"tape": tape_spec, "num_steps": _spec("num_steps", dtype="int32")}
    cell = machine.cell
    state_specs = {
        name: _spec(name, None, *state.shape[1:], dtype=state.dtype)
        for index, state in enumerate(cell.initial_controller_states(1))
        for name in [f"controller_state_{index}"]
    }
    registers_spec = _spec("registers", None, cell.num_registers, dtype="int32")
    step_specs = {"tape": tape_spec, "registers": registers_spec, **state_specs}
    archive.track(model)
    archive.add_endpoint("fuzzy", fuzzy, [specs])
    archive.add_endpoint("integer", integer, [specs])
    archive.add_endpoint("step", step, [step_specs])


def _add_sequence_endpoints(archive, model):
    chain = _chain_of_layers(model)
    _check_steps(model, chain)
    dtype = model.inputs[0].dtype
    features = model.inputs[0].shape[-1]

    def step(inputs):
        outputs, states = _step(chain, inputs)
        return {"outputs": outputs, **states}

    state_specs = {
        name: _spec(name, None, *state.shape[1:], dtype=state.dtype)
        for name, state in _initial_states(chain, 1).items()
    }
    archive.track(model)
    archive.add_endpoint(
        "sequence",
        lambda inputs: {"outputs": model(inputs["inputs"], training=False)},
        [{"inputs": _spec("inputs", None, None, features, dtype=dtype)}],
    )
    inputs_spec = _spec("inputs", None, features, dtype=dtype)
    archive.add_endpoint("step", step, [{"inputs": inputs_spec, **state_specs}])
    archive.add_endpoint(
        "initial_state",
        lambda inputs: _initial_states(chain, inputs["batch_size"]),
        [{"batch_size": _spec("batch_size", dtype="int32")}],
    )


def _chain_of_layers(model):
    """The layers of a model, in order, or an error that says why there is no chain."""
    shapes = [tuple(x.shape) for x in model.inputs]
    if [len(shape) for shape in shapes] != [3] or shapes[0][-1] is None:
        raise ValueError(
            "Export takes a model of one input (batch, timesteps, features), with a known "
            f"number of features. Received inputs of shape {shapes}"
        )
    layers = list(_flatten_sequentials(model))
    for layer in layers:
        if isinstance(layer, keras.layers.Bidirectional) or getattr(
            layer, "go_backwards", False
        ):
            raise ValueError(
                f"Layer {layer.name!r} reads the sequence backwards, so the model cannot "
                "be run step by step"
            )
        if getattr(layer, "stateful", False):
            raise ValueError(
                f"Layer {layer.name!r} is stateful. Export a model without `stateful`: "
                "its `step` endpoint leaves the states to the caller"
            )
    if not _recurrent(layers):
        raise ValueError(f"Model {model.name!r} has no recurrent layer to run by steps")
    return layers


def _flatten_sequentials(model):
    for layer in model.layers:
        if isinstance(layer, keras.Sequential):
            yield from _flatten_sequentials(layer)
        elif not isinstance(layer, keras.layers.InputLayer):
            yield layer


def _recurrent(chain):
    return [layer for layer in chain if isinstance(layer, keras.layers.RNN)]


def _state_names(layer):
    states = keras.tree.flatten(layer.cell.state_size)
    names = getattr(layer.cell, "state_names", range(len(states)))
    return [f"{layer.name}_{name}" for name in names]


def _initial_states(chain, batch_size):
    """A dict from name to initial state, of all recurrent layers."""
    return {
        name: state
        for layer in _recurrent(chain)
        for name, state in zip(
            _state_names(layer),
            keras.tree.flatten(layer.get_initial_state(batch_size)),
            strict=True,
        )
    }


def _step(chain, inputs):
    """Runs one time step: outputs `(batch, units)` and a dict of new states."""
    x = inputs["inputs"]
    new_states = {}
    for layer in chain:
        if isinstance(layer, keras.layers.RNN):
            names = _state_names(layer)
            structure = layer.get_initial_state(1)
            states = keras.tree.pack_sequence_as(structure, [inputs[n] for n in names])
            x, states = layer.cell(x, states)
            new_states.update(zip(names, keras.tree.flatten(states), strict=True))
        else:
            x = layer(x[:, None])[:, 0]
    return x, new_states


def _check_steps(model, chain):
    """Checks on random inputs that steps give what the whole model gives."""
    sequence = np.random.default_rng(0).random((2, 3, model.inputs[0].shape[-1]))
    sequence[0, 1] = 0  # what a masking layer would skip
    sequence = ops.convert_to_tensor(sequence, dtype=model.inputs[0].dtype)
    try:
        expected = model(sequence, training=False)
        states = _initial_states(chain, 2)
        outputs = []
        for time in range(3):
            output, states = _step(chain, {"inputs": sequence[:, time], **states})
            outputs.append(output)
        half = expected.dtype in (tf.float16, tf.bfloat16)
        tolerance = 5e-2 if half else 1e-4
        np.testing.assert_allclose(
            ops.cast(ops.stack(outputs, axis=1), "float32"),
            ops.cast(expected, "float32"),
            rtol=tolerance,
            atol=tolerance,
        )
    except (AssertionError, ValueError, TypeError, tf.errors.OpError) as error:
        raise ValueError(
            "Run step by step, the model does not give what it gives for a whole "
            "sequence. Export takes a chain of recurrent layers with "
            "return_sequences=True and of layers that treat every time step alike, "
            "without masks. "
            f"Received the layers {[layer.name for layer in chain]}"
        ) from error
