"""Everything from Keras that the package uses beyond its public interface.

Each name is here because Keras has no public one for it. `tests/test_keras_internals.py`
checks that all of them exist and do what the package needs.
"""

# Reads variables in their own dtype. `MachineLoop` copies them before the loop, and a
# cast in the wrong place would round float32 weights under a half precision policy.
from keras.src.backend import AutocastScope

# Returns the mask that a layer left on its output, or `None`. Tensors that JAX traces
# cannot hold it themselves.
from keras.src.backend import get_keras_mask as mask_of

# Holds whether a layer is being called with `training=True`. `keras.layers.RNN` does not
# tell its cell so when it asks for the initial state.
from keras.src.backend.common.global_state import get_global_attribute

# Tells whether tensors are placeholders. On JAX and torch, they look like ordinary
# tensors of ones while Keras works out the shapes of a model.
from keras.src.backend.common.symbolic_scope import in_symbolic_scope

# The class of cells whose dropout masks `keras.layers.RNN` draws before its loop.
from keras.src.layers.rnn.dropout_rnn_cell import DropoutRNNCell

# Divides a loss by the number of replicas of a `tf.distribute.Strategy`. Keras does so with
# means, but not with sums such as ours, whose `call` divides by the batch size.
from keras.src.losses.loss import scale_loss_for_distribution

__all__ = [
    "AutocastScope",
    "DropoutRNNCell",
    "PreparesGradients",
    "call_that_made",
    "first_call",
    "in_symbolic_scope",
    "in_training_call",
    "inner_layers",
    "largest_gradients",
    "mask_of",
    "scale_loss_for_distribution",
    "takes_training",
    "track_variable",
]


def takes_training(layer):
    """Returns whether the layer's `call` has an argument `training`."""
    return layer._call_has_training_arg


def in_training_call():
    """Returns whether this runs inside a layer that is called with `training=True`."""
    return bool(getattr(get_global_attribute("current_call_ctx"), "training", None))


def inner_layers(layer, at_any_depth=True):
    """Returns the layers inside a layer: all of them, or those that it calls itself."""
    return layer._flatten_layers(include_self=False, recursive=at_any_depth)


def first_call(layer, model):
    """Returns the node of a layer's first call in a model, with its inputs and arguments.

    The model is functional or `Sequential`, and the layer is one of its own.
    """
    graph = getattr(model, "_functional", model)  # of a Sequential
    nodes = [node for level in graph._nodes_by_depth.values() for node in level]
    return next(
        node for node in layer._inbound_nodes if any(node is each for each in nodes)
    )


def call_that_made(tensor):
    """Returns the layer that made a symbolic tensor, and the node of that call."""
    history = tensor._keras_history
    return history.operation, history.operation._inbound_nodes[history.node_index]


def largest_gradients(optimizer, variable):
    """Returns the decaying maximum of a variable's gradients that `Adamax` keeps."""
    return optimizer._u[optimizer._get_variable_index(variable)]


class PreparesGradients:
    """Lets an optimizer prepare gradients that Keras has unscaled and accumulated.

    A subclass is a Keras optimizer. It defines `prepare_gradients(grads)`, which returns
    the gradients to apply.
    """

    def _clip_gradients(self, grads):
        return super()._clip_gradients(self.prepare_gradients(grads))


def track_variable(optimizer, variable):
    """Makes a variable part of an optimizer's state, so that it is saved with it."""
    optimizer._track_variable(variable)
