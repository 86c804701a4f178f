"""Shows in TensorBoard what machines do while they learn."""

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from keras_nm.arguments import check_integer
from keras_nm.keras_internals import first_call
from keras_nm.layers import Tracer
from keras_nm.machines import machine_of


class Probe(keras.callbacks.Callback):
    """Shows what a model's machines do with some examples, every few epochs and at the end.

    It writes to TensorBoard, in addition to `keras.callbacks.TensorBoard`:

    - for an `NTM`: the plate of the first example (`keras_nm.plots.ntm_plate`), and the
      entropies of the write and read weightings, in bits, as means over examples, heads
      and time steps. Heads that focus on single locations have an entropy of 0;
    - for a `DNC`: the same of its plate (`keras_nm.plots.dnc_plate`) and weightings, and
      the means of its gates and read modes;
    - for a `StackRNN` or a `TapeRNN`: the picture of the first example
      (`keras_nm.plots.stack_picture`, `keras_nm.plots.tape_picture`), and the mean share
      of each action or move;
    - for a `NeuralGPU`: the state in the first example (`keras_nm.plots.state_picture`),
      and after what share of its steps the answers no longer change;
    - for an `NPI`: the choices in the first example, and how often it calls each program
      and ends;
    - for an `NRAM`: the execution of the first example with the circuits that it ran
      (`keras_nm.plots.execution_picture`); the program as text, if the controller has no
      states; and, if the model is nothing but the machine, on integers, the share of wrong
      answer cells of the soft and of the discrete machine, and the gap between them.

    Args:
        log_dir: Path of TensorBoard's directory, as for
            `keras.callbacks.TensorBoard(log_dir)`. The data is in its folder `probe`.
        examples: A batch `(x, y, sample_weight)` of a task, such as
            `next(iter(task.evaluation_set(20, split="validation")))`.
        every: Positive integer, the number of epochs from one look to the next. Defaults
            to `5`.
        pictures: Boolean, whether to draw pictures, which takes matplotlib. A machine of
            your own has one if its row in `keras_nm.machines.MACHINES` has a `picture`.
        activation: Optional Keras activation that makes probabilities of the model's
            outputs in pictures, such as `"sigmoid"` or `"softmax"`. Of a task, it is
            `keras_nm.tasks.TASKS[name].activation`. Defaults to `None`: outputs are drawn
            as they are.

    Raises:
        ValueError: For invalid arguments, and at the beginning of training for a model
            without such a layer, or with a layer that has a `trace` but no `look` in
            `keras_nm.machines.MACHINES`.
        ImportError: If pictures are wanted, but matplotlib is missing.

    Example:

    >>> import keras, keras_nm, tempfile
    >>> task = keras_nm.tasks.ntm.Copy(max_length=2)
    >>> x = keras.Input((None, task.input_size))
    >>> model = keras.Model(x, keras_nm.layers.NTM(8, return_sequences=True)(x))
    >>> model.compile("adam", keras_nm.training.BitsPerSequenceLoss())
    >>> examples = next(iter(task.evaluation_set(2)))
    >>> log_dir = tempfile.mkdtemp()
    >>> history = model.fit(
    ...     task.dataset(batch_size=4),
    ...     steps_per_epoch=2,
    ...     callbacks=[
    ...         keras_nm.training.Probe(log_dir, examples, every=1, activation="sigmoid")
    ...     ],
    ...     shuffle=False,
    ...     verbose=0,
    ... )
    """

    def __init__(self, log_dir, examples, every=5, pictures=True, activation=None):
        super().__init__()
        if not isinstance(examples, (tuple, list)) or len(examples) != 3:
            raise ValueError(
                "`examples` must be a batch (x, y, sample_weight) of a task. Received: "
                f"{type(examples).__name__}"
            )
        self.plots = None
        if pictures:
            from keras_nm import plots

            self.plots = plots
        self.log_dir = Path(log_dir)
        self.examples = keras.tree.map_structure(np.asarray, tuple(examples))
        self.every = check_integer("every", every)
        self.activation = keras.activations.get(activation)

    def on_train_begin(self, logs=None):
        self._look = _Look(self.model)
        self._looks = {
            machine.name: machine_of(machine).function("look")
            for machine in self._look.tracer.machines
        }
        self._look.predict_on_batch(self.examples[0])  # fails here if it cannot be traced
        self._unseen = None  # the last epoch, if it has had no look
        self._writer = tf.summary.create_file_writer(str(self.log_dir / "probe"))

    def on_epoch_end(self, epoch, logs=None):
        self._unseen = epoch
        if (epoch + 1) % self.every == 0:
            self._take_a_look()

    def on_train_end(self, logs=None):
        if self._unseen is not None:
            self._take_a_look()
        self._writer.close()

    def _take_a_look(self):
        epoch, self._unseen = self._unseen, None
        seen = self._look.predict_on_batch(self.examples[0])
        with self._writer.as_default(step=epoch):
            for machine in self._look.tracer.machines:
                self._show(machine, seen["traces"][machine.name], seen.get("outputs"))
        self._writer.flush()

    def _show(self, machine, trace, outputs):
        look = self._looks[machine.name]
        for name, value in look(machine, trace, self._examples_of(machine)).items():
            if isinstance(value, str):
                # Markdown shows indented lines as code.
                lines = "".join(f"    {line}\n" for line in value.splitlines())
                tf.summary.text(f"{machine.name}/{name}", lines)
            else:
                tf.summary.scalar(f"{machine.name}/{name}", value)
        if self.plots and machine_of(machine).picture is not None:
            picture = self.plots.machine_picture(
                machine,
                trace,
                self.examples[0],
                outputs,
                activation=self.activation,
            )
            image = self.plots.to_array(picture)[None]
            tf.summary.image(f"{machine.name}/picture", image)

    def _examples_of(self, machine):
        """Returns the examples, if the model's inputs and outputs are the machine's."""
        first_input = first_call(machine, self.model).input_tensors[0]
        alone = len(self.model.inputs) == 1 and first_input is self.model.inputs[0]
        if not (alone and _answers(machine, self.model)):
            return None
        return self.examples, self._look.tracer.options_of(machine)


def _answers(machine, model):
    """Returns whether the outputs of a model are those of a machine."""
    return first_call(machine, model).output_tensors[0] is model.outputs[0]


class _Look(keras.Model):
    """Combines the traces of a model's machines and its outputs in one model to compile."""

    def __init__(self, model):
        super().__init__(name="look", autocast=False)
        self.model = model
        self.tracer = Tracer(model)

    def call(self, inputs):
        traces = self.tracer(inputs)
        for machine in self.tracer.machines:
            if _answers(machine, self.model):
                # The trace already has the outputs.
                return {"traces": traces}
        return {"traces": traces, "outputs": keras.tree.flatten(self.model(inputs))[0]}
