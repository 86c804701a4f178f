"""Keeps the quantization of a machine's own linear maps in its configuration.

`keras.Model.quantize` also quantizes the layers inside a machine. Keras's own layers inside
it, such as a controller, save their quantization themselves. Those that the machine makes
are not in its configuration.
"""

import keras

from keras_nm.keras_internals import inner_layers


def quantization_of(cell):
    """Returns a serializable dict from the place of each quantized map to what it needs."""
    return {
        str(place): {
            "dtype": keras.dtype_policies.serialize(part.dtype_policy),
            "quantization_config": keras.saving.serialize_keras_object(
                part.quantization_config
            ),
        }
        for place, part in enumerate(_own_layers(cell))
        if part.quantization_mode is not None
    }


def quantize_as(cell, quantization):
    """Makes the maps of a cell that is not built yet quantized.

    Args:
        cell: A `MachineCell`.
        quantization: A dict, as `quantization_of` returns it.
    """
    parts = _own_layers(cell)
    for place, saved in quantization.items():
        part = parts[int(place)]
        part.dtype_policy = keras.dtype_policies.deserialize(saved["dtype"])
        part.quantization_config = keras.saving.deserialize_keras_object(
            saved["quantization_config"]
        )


def _own_layers(cell):
    """Returns the layers inside a cell, but for any controller, in the cell's order.

    Their names may differ from copy to copy, because Keras counts them.
    """
    controller = getattr(cell, "controller", None)
    given = [] if controller is None else [controller, *inner_layers(controller)]
    return [
        layer for layer in inner_layers(cell) if not any(layer is other for other in given)
    ]
