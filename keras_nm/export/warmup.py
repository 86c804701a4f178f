"""Warm-up requests, which a server runs itself so that the first client does not wait."""

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

# TensorFlow Serving looks for this file in `assets.extra`.
WARMUP_FILE = "tf_serving_warmup_requests"

# This is also the number of cells of a tape: some gates need a few.
_DYNAMIC_SIZE = 8


def write_warmup(folder, name, signatures):
    """Writes a request of zeros for every signature.

    Args:
        folder: `pathlib.Path`.
        name: String, the model's name.
        signatures: Dict from name to `SignatureDef`.
    """
    with tf.io.TFRecordWriter(str(folder / WARMUP_FILE)) as writer:
        for signature_name, signature in sorted(signatures.items()):
            request = predict_pb2.PredictRequest()
            request.model_spec.name = name
            request.model_spec.signature_name = signature_name
            for tensor_name, info in signature.inputs.items():
                request.inputs[tensor_name].CopyFrom(tf.make_tensor_proto(_zeros(info)))
            log = prediction_log_pb2.PredictionLog(
                predict_log=prediction_log_pb2.PredictLog(request=request)
            )
            writer.write(log.SerializeToString())


def read_warmup(folder):
    """Reads the warm-up requests.

    Args:
        folder: `pathlib.Path`.

    Returns:
        A list of pairs: the signature's name, and a dict from name to tensor.
    """
    requests = []
    for record in tf.data.TFRecordDataset(str(folder / WARMUP_FILE)).as_numpy_iterator():
        request = prediction_log_pb2.PredictionLog.FromString(record).predict_log.request
        inputs = {
            name: tf.constant(tf.make_ndarray(tensor))
            for name, tensor in request.inputs.items()
        }
        requests.append((request.model_spec.signature_name, inputs))
    return requests


def _zeros(info):
    shape = [dim.size if dim.size >= 0 else _DYNAMIC_SIZE for dim in info.tensor_shape.dim]
    zeros = np.zeros(shape, tf.as_dtype(info.dtype).as_numpy_dtype)
    # A scalar, such as the number of steps, counts from 1.
    return zeros if shape else zeros + 1
