"""Gradients written by hand, in one form for all backends."""

import keras
from keras import ops


def with_gradient(function, *tensors):
    """Applies a function whose gradient is given instead of derived.

    Args:
        function: Function from tensors to a pair: its outputs, a tensor or a tuple of
            them; and a function from the gradients by the outputs, in a tuple, to the
            gradients by the tensors. On the torch backend there can only be one output.
        *tensors: What it is applied to.

    Returns:
        The outputs.

    Example, a function whose gradient is doubled:

    >>> import keras
    >>> from keras_nm.layers.gradients import with_gradient
    >>> def doubled(x):
    ...     return x, lambda upstream: 2 * upstream[0]
    >>> y = with_gradient(doubled, keras.ops.ones((3,)))
    """

    @ops.custom_gradient
    def apply(*tensors):
        outputs, gradient = function(*tensors)

        def by_backend(*arguments, upstream=None):
            # TensorFlow passes one argument per output. JAX passes one argument, a tuple
            # if there are several outputs. torch passes the tensors again, and the
            # gradient by its name.
            if upstream is not None:
                arguments = (upstream,)
            elif isinstance(arguments[0], tuple):
                (arguments,) = arguments
            return gradient(arguments)

        return outputs, by_backend

    return apply(*tensors)


def supports_several_outputs():
    """Whether `with_gradient` takes functions of several outputs on this backend."""
    return keras.backend.backend() in ("tensorflow", "jax")


def clip_gradient(x, limit):
    """The same tensor, whose gradient is clipped to plus or minus a limit."""
    return with_gradient(
        lambda x: (x, lambda upstream: ops.clip(upstream[0], -limit, limit)), x
    )
