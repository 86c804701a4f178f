import keras
import numpy as np
import pytest

from keras_nm.layers import NPI
from keras_nm.tasks import npi
from keras_nm.tasks.ntm import Copy
from keras_nm.training import CallLoss, ErrorSampling

TASK = npi.Addition(max_length=2, base=2)


def test_programs_are_weighted_by_their_errors():
    sampling = ErrorSampling(TASK, temperature=0.5, num_examples=100)
    assert sampling.program_weights.numpy().tolist() == [1, 1, 1, 1, 1]
    x = keras.Input((None, TASK.input_size))
    layer = NPI(
        TASK.num_programs,
        TASK.argument_sizes,
        keras.layers.Dense(4),
        return_sequences=True,
    )
    model = keras.Model(x, layer(x))
    # A layer that writes nothing, moves nothing and never ends is always wrong. One that
    # always moves the first pointer to the left is right at the first step of LSHIFT.
    layer.set_weights([np.zeros_like(w) for w in layer.get_weights()])
    model.compile("sgd", CallLoss(TASK.argument_sizes), run_eagerly=True)
    data = TASK.dataset(4, program_weights=sampling.program_weights)
    fit = {"steps_per_epoch": 1, "shuffle": False, "verbose": 0, "callbacks": [sampling]}
    model.optimizer.learning_rate = 0.0
    model.fit(data, **fit)
    assert sampling.errors == {"ADD": 1, "ADD1": 1, "CARRY": 1, "LSHIFT": 1}
    # It always ends, and does nothing: this is right where ADD is over.
    layer.cell.end_map.bias.assign([1.0])
    model.fit(data, **fit)
    errors = sampling.errors
    x, _, weight = TASK.evaluation_set(
        batch_size=100, num_batches=1, split="validation"
    ).get_single_element()
    is_add = x[:, 0, -TASK.num_programs + 1] == 1
    num_steps = np.sum(weight, axis=1)[is_add]
    assert errors == {
        "ADD": pytest.approx(np.mean(num_steps > 1), abs=1e-6),
        **dict.fromkeys(("ADD1", "CARRY", "LSHIFT"), 1),
    }
    assert 0 < errors["ADD"] < 1
    powers = np.exp(np.array(list(errors.values())) / 0.5)
    weights = sampling.program_weights.numpy()[1:]
    np.testing.assert_allclose(weights / weights.sum(), powers / powers.sum(), rtol=1e-5)
    # A training that is resumed begins with the same weights.
    resumed = ErrorSampling(TASK, temperature=0.5, num_examples=100)
    model.fit(data, **fit | {"callbacks": [resumed]}, initial_epoch=1, epochs=1)
    np.testing.assert_array_equal(resumed.program_weights, sampling.program_weights)


@pytest.mark.parametrize("options", [{"temperature": 0}, {"num_examples": 0}])
def test_wrong_arguments(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        ErrorSampling(TASK, **options)


@pytest.mark.parametrize("task", [Copy(), npi.Addition, "addition"])
def test_other_tasks_are_refused(task):
    with pytest.raises(ValueError, match=r"`task` must be a CallTask, .* Received: task="):
        ErrorSampling(task)
