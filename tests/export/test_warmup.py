import pytest
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2


@pytest.mark.parametrize("name", ["memory", "machine"])
def test_the_warmup_asks_every_endpoint(request, name):
    path = request.getfixturevalue(f"exported_{name}") / "1"
    records = tf.data.TFRecordDataset(
        str(path / "assets.extra" / "tf_serving_warmup_requests")
    )
    signatures = tf.saved_model.load(path).signatures
    asked = []
    for record in records.as_numpy_iterator():
        log = prediction_log_pb2.PredictionLog.FromString(record)
        request = log.predict_log.request
        assert request.model_spec.name == name
        asked.append(request.model_spec.signature_name)
        signatures[asked[-1]](
            **{k: tf.constant(tf.make_ndarray(v)) for k, v in request.inputs.items()}
        )
    assert sorted(asked) == sorted(signatures)
