"""A Neural Programmer-Interpreter that is right without a training."""

import keras
import numpy as np

import keras_nm
from keras_nm.programs.npi.verification import all_calls


def solved_npi(library):
    """Returns a layer that decides right: its last linear maps are solved for that.

    All other weights are random. There are more units than different steps, so the
    equations have a solution, and nothing need be trained.
    """
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    num_programs, units = library.num_programs, 500
    layer = keras_nm.layers.NPI(
        num_programs,
        library.argument_sizes,
        keras.layers.SimpleRNNCell(units, recurrent_initializer="glorot_uniform"),
        program_size=8,
        key_size=num_programs,
        encoder_units=(),
        return_sequences=True,
    )
    layer.build((None, None, library.input_size))
    cell = layer.cell
    cell.program_keys.assign(np.eye(num_programs))
    cell.controller.bias.assign(rng.normal(size=units))
    kernel, recurrent, bias = cell.controller.get_weights()

    x, y, weight = library.batch(
        [c for calls in all_calls(library).values() for c in calls]
    )
    programs = x[..., -num_programs:] @ cell.program_embeddings.numpy()
    inputs = np.concatenate([x[..., :-num_programs], programs], axis=-1)
    hidden, state = [], np.zeros((len(x), units))
    for time in range(x.shape[1]):
        state = np.tanh(inputs[:, time] @ kernel + state @ recurrent + bias)
        hidden.append(state)
    hidden = np.stack(hidden, axis=1)[weight > 0]  # (number of steps, units)
    parts = (cell.end_map, cell.key_map, *cell.argument_maps)
    logits = [  # of an end, only that of ending
        (2 * np.eye(max(part.units, 2))[right] - 1)[:, -part.units :]
        for part, right in zip(parts, y[weight > 0].T, strict=True)
    ]
    # Calls that begin alike have equal steps.
    _, different = np.unique(hidden.round(5), axis=0, return_index=True)
    logits = np.concatenate(logits, axis=1)[different]
    kernels, *_ = np.linalg.lstsq(hidden[different], logits, rcond=None)
    bounds = np.cumsum([part.units for part in parts])
    for part, kernel in zip(parts, np.split(kernels, bounds, axis=1), strict=False):
        part.kernel.assign(kernel)
        part.bias.assign(np.zeros(part.units))
    return layer
