"""Measures the gradient while a model trains."""

import contextlib

import keras
from keras import ops


class GradientNorm(keras.callbacks.Callback):
    """Logs the norm of the gradient, as the mean over the steps of an epoch.

    It is the norm over all weights together, before the optimizer clips the gradient. It is
    measured inside the training step and costs next to nothing. In the list of callbacks,
    put it before those that write logs.

    Raises:
        ValueError: At the beginning of training on Keras's JAX backend, whose training
            steps have no place to keep the norm.

    Example:

    >>> import keras, keras_nm, numpy as np
    >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> norm = keras_nm.training.GradientNorm()
    >>> history = model.fit(np.ones((4, 1)), np.ones((4, 1)), callbacks=[norm], verbose=0)
    >>> list(history.history)
    ['loss', 'gradient_norm']
    """

    def on_train_begin(self, logs=None):
        if keras.backend.backend() == "jax":
            raise ValueError(
                "GradientNorm works on Keras's TensorFlow and torch backends. Received: "
                "the JAX backend. Train without GradientNorm there"
            )
        model, self._mean = self.model, keras.metrics.Mean()
        model.make_train_function(force=True)
        train = model.train_function

        def train_and_measure(data):
            with _measured(model, self._mean):
                return train(data)

        model.train_function = train_and_measure

    def on_epoch_begin(self, epoch, logs=None):
        self._mean.reset_state()

    def on_epoch_end(self, epoch, logs=None):
        logs["gradient_norm"] = float(self._mean.result())

    def on_train_end(self, logs=None):
        self.model.train_function = None


@contextlib.contextmanager
def _measured(model, mean):
    """Measures the gradients that a model's optimizer receives."""
    owner, name = model, "optimizer"
    if hasattr(model.optimizer, "inner_optimizer"):
        # If losses are scaled against underflow, the inner optimizer gets the unscaled
        # gradients.
        owner, name = model.optimizer, "inner_optimizer"
    optimizer = getattr(owner, name)
    setattr(owner, name, _Measured(optimizer, mean))
    try:
        yield
    finally:
        setattr(owner, name, optimizer)


def _summed_over_devices(gradients):
    """Returns the gradients of all devices. Each has those of its share of the loss."""
    if keras.backend.backend() != "tensorflow":
        return gradients
    import tensorflow as tf  # which is not everywhere

    if tf.distribute.get_strategy().num_replicas_in_sync == 1:
        return gradients
    return tf.distribute.get_replica_context().all_reduce("SUM", gradients)


class _Measured:
    """An optimizer that reports the norms of its gradients to a metric."""

    def __init__(self, optimizer, mean):
        self._optimizer = optimizer
        self._mean = mean

    def __getattr__(self, name):
        return getattr(self._optimizer, name)

    def apply(self, gradients, trainable_variables=None):
        gradients = list(gradients)
        # Flat, because this adds up all parts of an embedding's gradient for one entry.
        flat = [ops.reshape(g, (-1,)) for g in gradients if g is not None]
        # Gradients may differ in dtype, and squares overflow in half precision.
        dtype = keras.backend.result_type("float32", *(g.dtype for g in flat))
        flat = _summed_over_devices([ops.cast(g, dtype) for g in flat])
        self._mean.update_state(ops.sqrt(sum(ops.sum(ops.square(g)) for g in flat)))
        return self._optimizer.apply(gradients, trainable_variables)

    def apply_gradients(self, gradients_and_variables):
        self.apply(*zip(*gradients_and_variables, strict=True))
