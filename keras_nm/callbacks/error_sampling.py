"""Draws the programs that a Neural Programmer-Interpreter gets wrong more often."""

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from keras_nm.arguments import check_integer, check_positive
from keras_nm.metrics.calls import wrong_steps
from keras_nm.tasks.npi import CallTask


class ErrorSampling(keras.callbacks.Callback):
    """Trains more on the programs whose calls are wrong more often.

    A program is drawn with the probability `softmax(error / temperature)`. Its error is the
    share of its calls with a wrong step, among examples of the split `"validation"`. It is
    measured at the end of every epoch. At first, all programs are equally likely. This is
    the adaptive curriculum of Reed and de Freitas (2016, section 3.2), who measure every
    1,000 steps.

    Args:
        task: A `keras_nm.tasks.npi.CallTask`.
        temperature: Positive float. Defaults to `1.0`.
        num_examples: Positive integer, the number of examples to measure. Defaults to
            `512`.

    Attributes:
        program_weights: A `tf.Variable` `(num_programs,)`, for the task's `dataset`.
        errors: Dict from the names of the programs to their last errors. A program without
            an example has an error of 0.

    Raises:
        ValueError: For a task of another kind, and for a temperature or a number of
            examples that is not positive.

    Example:

    >>> import keras, keras_nm
    >>> task = keras_nm.tasks.npi.Addition(max_length=2, base=2)
    >>> sampling = keras_nm.training.ErrorSampling(task, num_examples=64)
    >>> x = keras.Input((None, task.input_size))
    >>> sizes = {"argument_sizes": task.argument_sizes}
    >>> controller = keras.layers.LSTMCell(8)
    >>> layer = keras_nm.layers.NPI(
    ...     task.num_programs, controller=controller, return_sequences=True, **sizes
    ... )
    >>> model = keras.Model(x, layer(x))
    >>> model.compile("adam", keras_nm.training.CallLoss(**sizes), run_eagerly=True)
    >>> history = model.fit(
    ...     task.dataset(8, program_weights=sampling.program_weights),
    ...     steps_per_epoch=2,
    ...     callbacks=[sampling],
    ...     shuffle=False,
    ...     verbose=0,
    ... )
    >>> list(sampling.errors)
    ['ADD', 'ADD1', 'CARRY', 'LSHIFT']
    """

    def __init__(self, task, temperature=1.0, num_examples=512):
        super().__init__()
        if not isinstance(task, CallTask):
            raise ValueError(
                "`task` must be a CallTask, such as keras_nm.tasks.npi.Addition(). "
                f"Received: task={task!r}"
            )
        self.task = task
        self.temperature = check_positive("temperature", temperature)
        examples = task.evaluation_set(
            batch_size=check_integer("num_examples", num_examples),
            num_batches=1,
            split="validation",
        )
        [self._examples] = examples.as_numpy_iterator()
        # Not a Keras variable, because pipelines run in TensorFlow on all backends.
        self.program_weights = tf.Variable(tf.ones(task.num_programs), trainable=False)
        self.errors = {}

    def on_train_begin(self, logs=None):
        if int(self.model.optimizer.iterations):  # of a training that is resumed
            self._measure()

    def on_epoch_end(self, epoch, logs=None):
        self._measure()

    def _measure(self):
        x, y, sample_weight = self._examples
        y_pred = self.model.predict_on_batch(x)
        wrong = ops.convert_to_numpy(wrong_steps(y, y_pred, self.task.argument_sizes))
        wrong = np.any(wrong & (sample_weight > 0), axis=1)  # (B,)
        programs = x[:, 0, -self.task.num_programs :].argmax(axis=1)  # (B,)
        errors = np.zeros(self.task.num_programs)
        for program, name in enumerate(self.task.library.programs[1:], start=1):
            of_program = wrong[programs == program]
            errors[program] = of_program.mean() if len(of_program) else 0.0
            self.errors[name] = float(errors[program])
        # A pipeline draws in proportion to these, so they need not sum to 1.
        self.program_weights.assign(np.exp((errors - errors.max()) / self.temperature))
