"""The named endpoints of an exported model: its signatures."""

import keras

from keras_nm.export import recurrent
from keras_nm.export.layers import layers_of
from keras_nm.machines import machine_of, resolve


def add_endpoints(archive, model):
    """Adds a model and its endpoints to a `keras.export.ExportArchive`.

    A machine may have its own endpoints, which its row in the table of machines names. An
    `NRAM` has the endpoints of `keras_nm.export.tapes`, and a `NeuralGPU` those of
    `keras_nm.export.in_place`. All other models of recurrent layers, such as an `NTM`, have
    the endpoints of `keras_nm.export.recurrent`. The first endpoint is also
    `serving_default`.

    Args:
        archive: The `ExportArchive`.
        model: A `keras.Model`.

    Raises:
        ValueError: If the model is not built, or does not fit its endpoints.
    """
    if not isinstance(model, keras.Model) or not model.built:
        raise ValueError(f"Export needs a built keras.Model. Received: {model!r}")
    if not getattr(model, "inputs", None):
        raise ValueError(
            "Export needs a functional or Sequential model, in which it can follow the "
            f"layers from the input to the output. Received: {model!r}"
        )
    rows = [machine_of(layer) for layer in layers_of(model)]
    own = [row.add_endpoints for row in rows if row.add_endpoints is not None]
    add = resolve(own[0]) if own else recurrent.add_endpoints
    add(archive, model)
