"""Makes eager calls fast."""

import keras


def in_graph(function):
    """Returns a function that TensorFlow runs as a graph, also where it runs eagerly.

    Each operation that TensorFlow runs eagerly costs some 0.1 ms of Python, so hundreds of
    small ones are slow. A graph is made at the first call, for each set of shapes. Inside
    another graph and on other backends, it is the function itself.

    Args:
        function: Function of tensors and of Python numbers, to a structure of tensors. It
            must be pure: it reads no variables and changes nothing.

    Returns:
        A function of the same arguments.

    Example:

    >>> import keras
    >>> from keras_nm.layers.eager import in_graph
    >>> double = in_graph(lambda x: 2 * x)
    >>> double(keras.ops.ones(2)).numpy().tolist()
    [2.0, 2.0]
    """
    if keras.backend.backend() != "tensorflow":
        return function
    import tensorflow as tf

    graph = tf.function(function, autograph=False, reduce_retracing=True)

    def run(*arguments):
        return (graph if tf.executing_eagerly() else function)(*arguments)

    return run
