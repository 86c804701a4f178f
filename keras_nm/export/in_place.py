"""The endpoints of a model of one `NeuralGPU`, which answers in place."""

from keras_nm.export.layers import machine_alone, tensor_spec


def add_endpoints(archive, model):
    """Adds a model of one `NeuralGPU` layer to a `keras.export.ExportArchive`.

    The batch size and the length are dynamic. Inputs are one-hot vectors, or integers
    `(batch, length)` if the model takes those.

    ==================  ==========================================================
    endpoint            from -> to
    ==================  ==========================================================
    `sequence`          `inputs` (batch, length, symbols)
                        -> `outputs` (batch, length, units), the logits
    `step`              `inputs`; `time`, an integer, the number of steps before this one;
                        and `state` (batch, length, width, maps), which has no meaning at
                        time 0
                        -> the new `state`, and `outputs`, the logits after this step
    ==================  ==========================================================

    Args:
        archive: The `ExportArchive`.
        model: A built `keras.Model`.

    Raises:
        ValueError: If the layer is not alone in the model.
    """
    if len(model.inputs) != 1:
        raise ValueError(
            "Export needs a model with one input, and pads it without a mask. "
            f"Received: the inputs {model.inputs}"
        )
    machine, _ = machine_alone(model)
    (symbolic,) = model.inputs
    inputs_spec = tensor_spec(
        "inputs", None, None, *symbolic.shape[2:], dtype=symbolic.dtype
    )
    state_spec = tensor_spec(
        "state", None, None, machine.width, machine.num_maps, dtype=machine.compute_dtype
    )
    time_spec = tensor_spec("time", dtype="int32")

    def step(inputs):
        outputs, state = machine.step(inputs["inputs"], inputs["state"], inputs["time"])
        return {"outputs": outputs, "state": state}

    archive.track(model)
    archive.add_endpoint(
        "sequence",
        lambda inputs: {"outputs": model(inputs["inputs"], training=False)},
        [{"inputs": inputs_spec}],
    )
    archive.add_endpoint(
        "step", step, [{"inputs": inputs_spec, "state": state_spec, "time": time_spec}]
    )
