"""The endpoints of recurrent models: a whole sequence, one step, the initial state."""

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from keras_nm.export.layers import identifier, layers_of, tensor_spec
from keras_nm.layers.inner_dropout import forget_masks


def add_endpoints(archive, model):
    """Adds a chain of recurrent layers to a `keras.export.ExportArchive`.

    The batch axis is dynamic, and so is the time axis unless the model fixes it. The name
    of a state combines its layer's name and its own, such as `ntm_weightings`.

    ==================  ==========================================================
    endpoint            from -> to
    ==================  ==========================================================
    `sequence`          `inputs` (batch, timesteps, features)
                        -> `outputs` (batch, timesteps, units)
    `step`              `inputs` (batch, features) and every state (batch, size)
                        -> `outputs` (batch, units) and every new state
    `initial_state`     `batch_size`, an integer -> every state
    ==================  ==========================================================

    Args:
        archive: The `ExportArchive`.
        model: A built `keras.Model`.

    Raises:
        ValueError: If the model cannot be run step by step.
    """
    chain = _chain_of_layers(model)
    _check_steps(model, chain)
    dtype = model.inputs[0].dtype
    _, num_steps, features = model.inputs[0].shape

    def step(inputs):
        outputs, states = _step(chain, inputs)
        return {"outputs": outputs, **states}

    state_specs = {
        name: tensor_spec(name, None, *state.shape[1:], dtype=state.dtype)
        for name, state in _initial_states(chain, 1).items()
    }
    archive.track(model)
    archive.add_endpoint(
        "sequence",
        lambda inputs: {"outputs": model(inputs["inputs"], training=False)},
        [{"inputs": tensor_spec("inputs", None, num_steps, features, dtype=dtype)}],
    )
    inputs_spec = tensor_spec("inputs", None, features, dtype=dtype)
    archive.add_endpoint("step", step, [{"inputs": inputs_spec, **state_specs}])
    archive.add_endpoint(
        "initial_state",
        lambda inputs: _initial_states(chain, inputs["batch_size"]),
        [{"batch_size": tensor_spec("batch_size", dtype="int32")}],
    )


def _chain_of_layers(model):
    """Returns the layers of a model in order. Raises an error if they are not a chain."""
    shapes = [tuple(x.shape) for x in model.inputs]
    if [len(shape) for shape in shapes] != [3] or shapes[0][-1] is None:
        raise ValueError(
            "Export needs a model with one input (batch, timesteps, features) and a known "
            f"number of features. Received: inputs of shape {shapes}"
        )
    output = model.compute_output_spec(model.inputs[0])
    if not isinstance(output, keras.KerasTensor):
        raise ValueError(f"Export needs a model with one output. Received: {output}")
    layers = list(layers_of(model))
    for layer in layers:
        if isinstance(layer, keras.layers.Bidirectional) or getattr(
            layer, "go_backwards", False
        ):
            raise ValueError(
                f"Layer {layer.name!r} reads the sequence backwards, so the model cannot "
                "run step by step"
            )
        if isinstance(layer, keras.layers.Masking):
            raise ValueError(
                f"Layer {layer.name!r} masks steps, and single steps have no masks. Export "
                "the model without it: a sequence may end where its padding would begin"
            )
        if getattr(layer, "stateful", False):
            raise ValueError(
                f"Layer {layer.name!r} is stateful. Export a model without `stateful`: "
                "its `step` endpoint leaves the states to the caller"
            )
    names = [identifier(layer.name) for layer in _recurrent(layers)]
    if not names:
        raise ValueError(f"Model {model.name!r} has no recurrent layer to run step by step")
    if len({*names}) < len(names):
        raise ValueError(
            "Export names states by their layers, so recurrent layers need names of their "
            f"own, also in nested models. Received: {names}"
        )
    return layers


def _recurrent(chain):
    return [layer for layer in chain if isinstance(layer, keras.layers.RNN)]


def _state_names(layer):
    states = keras.tree.flatten(layer.cell.state_size)
    names = getattr(layer.cell, "state_names", range(len(states)))
    return [f"{identifier(layer.name)}_{name}" for name in names]


def _initial_states(chain, batch_size):
    """Returns a dict from name to initial state, for all recurrent layers."""
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
    """Runs one time step. Returns outputs `(batch, units)` and a dict of new states."""
    x = inputs["inputs"]
    new_states = {}
    for layer in chain:
        if isinstance(layer, keras.layers.RNN):
            names = _state_names(layer)
            structure = layer.get_initial_state(1)
            states = keras.tree.pack_sequence_as(structure, [inputs[n] for n in names])
            x, states = layer.cell(x, states)
            forget_masks(layer.cell)
            new_states.update(zip(names, keras.tree.flatten(states), strict=True))
        else:
            x = layer(x[:, None])[:, 0]
    return x, new_states


def _check_steps(model, chain):
    """Checks on random inputs that single steps return the same as the whole model."""
    _, num_steps, features = model.inputs[0].shape
    num_steps = num_steps or 32  # more than layers look back, such as convolutions
    sequence = np.random.default_rng(0).random((2, num_steps, features))
    sequence[0, num_steps // 2] = 0  # a layer with a mask might skip this step
    sequence = ops.convert_to_tensor(sequence, dtype=model.inputs[0].dtype)
    try:
        expected = model(sequence, training=False)
        states = _initial_states(chain, 2)
        outputs = []
        for time in range(num_steps):
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
            "The model does not return the same outputs step by step as for a whole "
            "sequence. Export needs a chain of recurrent layers with "
            "return_sequences=True and of layers that treat every time step alike, "
            "without masks. "
            f"Received: the layers {[layer.name for layer in chain]}"
        ) from error
