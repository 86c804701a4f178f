"""Shows what the machines inside a model do."""

import keras

from keras_nm.layers.nram import NRAM
from keras_nm.layers.ntm import NTM


class Tracer(keras.Model):
    """A model whose outputs are what the machines of another model do inside.

    It has the weights of the other model and no own ones, so that it shows what that model
    does at any moment of its training. `Tracer(model)(inputs)` runs it; with
    `Tracer(model).predict_on_batch(inputs)` it is compiled at the first call.

    Args:
        model: A functional or `Sequential` `keras.Model` with `NTM` or `NRAM` layers. Of
            a layer that is called several times, the first is shown.

    Call arguments:
        inputs: What the model takes. Tapes are of known size.

    Output:
        A dict from the names of these layers to what their `trace` gives.

    Raises:
        ValueError: For a model without such layers, with stateful layers, or of another
            kind.

    Example:

    >>> import keras, keras_nm, numpy as np
    >>> x = keras.Input((None, 9))
    >>> y = keras_nm.layers.NTM(16, return_sequences=True, name="machine")(x)
    >>> model = keras.Model(x, keras.layers.Dense(8)(y))
    >>> traces = keras_nm.layers.Tracer(model)(np.ones((1, 5, 9), "float32"))
    >>> tuple(traces["machine"]["write_weightings"].shape)
    (1, 5, 1, 128)
    """

    def __init__(self, model):
        super().__init__()
        if not getattr(model, "inputs", None):
            raise ValueError(
                "A Tracer takes a functional or Sequential keras.Model that is built. "
                f"Received: {model!r}"
            )
        self.machines = [x for x in model.layers if isinstance(x, NTM | NRAM)]
        if not self.machines:
            raise ValueError(
                "A Tracer takes a model with NTM or NRAM layers. Received the layers "
                f"{[layer.name for layer in model.layers]}"
            )
        stateful = [x.name for x in model.layers if getattr(x, "stateful", False)]
        if stateful:
            raise ValueError(
                "A Tracer shows sequences from their beginning, and to run it would change "
                f"the states of stateful layers. Received the stateful layers {stateful}"
            )
        # What the machines are called with, from what the model is called with.
        self._options = {machine.name: _call_options(machine) for machine in self.machines}
        self.feed = keras.Model(
            model.inputs,
            {
                machine.name: {
                    "inputs": machine._inbound_nodes[0].input_tensors[0],
                    **{
                        name: value
                        for name, value in self._options[machine.name].items()
                        if any(
                            isinstance(x, keras.KerasTensor)
                            for x in keras.tree.flatten(value)
                        )
                    },
                }
                for machine in self.machines
            },
        )

    def call(self, inputs):
        fed = self.feed(inputs)
        traces = {}
        for machine in self.machines:
            options = {**self._options[machine.name], **fed[machine.name]}
            traces[machine.name] = machine.trace(options.pop("inputs"), **options)
        return traces

    def options_of(self, machine):
        """The `num_steps` and the `selection` with which an NRAM is called in the model."""
        return self._options[machine.name]


def _call_options(machine):
    """The arguments of a layer in its model, beside the first, that `trace` takes."""
    names = ("num_steps", "selection")
    if isinstance(machine, NTM):
        names = ("mask", "initial_state")
    arguments = machine._inbound_nodes[0].arguments.kwargs
    return {name: arguments.get(name) for name in names}
