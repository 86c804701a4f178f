"""Hand-written gradients, in one form for all backends."""

import keras
from keras import ops


def with_gradient(function, *tensors):
    """Applies a function with a given gradient in place of the automatic one.

    Args:
        function: Function from tensors to a pair. The first entry is the outputs, a tensor
            or a tuple of tensors. The second entry is a function from the gradients of the
            outputs, in a tuple, to the gradients of the tensors. On the torch backend,
            there can only be one output.
        *tensors: The arguments of the function.

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
            # TensorFlow passes one argument per output. JAX passes one argument, which is a
            # tuple if there are several outputs. torch passes the tensors again, and the
            # gradient by name.
            if upstream is not None:
                arguments = (upstream,)
            elif isinstance(arguments[0], tuple):
                (arguments,) = arguments
            return gradient(arguments)

        return outputs, by_backend

    return apply(*tensors)


def supports_several_outputs():
    """Returns whether `with_gradient` takes several outputs on this backend."""
    return keras.backend.backend() in ("tensorflow", "jax")


def clip_gradient(x, limit):
    """Returns the same tensor, and clips its gradient to plus or minus a limit."""
    return with_gradient(
        lambda x: (x, lambda upstream: ops.clip(upstream[0], -limit, limit)), x
    )
