"""Keeps the quantization of a machine's own linear maps in its configuration.

`keras.Model.quantize` also quantizes the layers inside a machine. Keras's own layers inside
it, such as a controller, save their quantization themselves. Those that the machine makes
are not in its configuration.
"""

import keras


def quantization_of(cell):
    """Returns a serializable dict from the name of each quantized map to what it needs."""
    return {
        name: {
            "dtype": keras.dtype_policies.serialize(part.dtype_policy),
            "quantization_config": keras.saving.serialize_keras_object(
                part.quantization_config
            ),
        }
        for name, part in vars(cell).items()
        if isinstance(part, keras.layers.Layer)
        and part is not cell.controller
        and part.quantization_mode is not None
    }


def quantize_as(cell, quantization):
    """Makes the maps of a cell that is not built yet quantized.

    Args:
        cell: A `MachineCell`.
        quantization: A dict, as `quantization_of` returns it.
    """
    for name, saved in quantization.items():
        part = getattr(cell, name)
        part.dtype_policy = keras.dtype_policies.deserialize(saved["dtype"])
        part.quantization_config = keras.saving.deserialize_keras_object(
            saved["quantization_config"]
        )
