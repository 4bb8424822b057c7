"""The gRPC API of TensorFlow Serving: PredictionService and ModelService."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, TypeVar

import grpc
import numpy as np
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from tfxkit.serving.metrics import RequestMetrics
from tfxkit.serving.model import DEFAULT_SIGNATURE, LoadedModel, ServingError, invalid
from tfxkit.serving.versions import SIGNATURE_DEF, Versions, metadata_message, status_message

logger = logging.getLogger("tfxkit.serving")
Response = TypeVar("Response")

# Fields that TensorFlow Serving, and so clients in other languages, use; others are raw bytes.
_FIELDS = {
    np.dtype(np.float32): "float_val",
    np.dtype(np.float64): "double_val",
    np.dtype(np.int32): "int_val",
    np.dtype(np.int64): "int64_val",
    np.dtype(np.bool_): "bool_val",
    np.dtype(object): "string_val",
}


def add_services(server: grpc.Server, versions: Versions, metrics: RequestMetrics) -> None:
    """Registers both services."""
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
        PredictionService(versions, metrics), server
    )
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(ModelService(versions), server)


class PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Predict and GetModelMetadata."""

    def __init__(self, versions: Versions, metrics: RequestMetrics) -> None:
        """Answers with the version that is served."""
        self._versions, self._metrics = versions, metrics

    def Predict(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Calls a signature with tensors."""

        def answer() -> predict_pb2.PredictResponse:
            model = self._find(request.model_spec)
            name, signature = model.signature(request.model_spec.signature_name)
            unknown = set(request.output_filter) - signature.outputs.keys()
            if unknown:
                raise invalid(f"output tensor alias not found in signature: {min(unknown)}")
            inputs = {key: _to_array(key, value) for key, value in request.inputs.items()}
            outputs = model.run(name, inputs)
            self._metrics.add_values(model.count_examples(name, inputs))
            response = predict_pb2.PredictResponse()
            _fill_spec(response.model_spec, request.model_spec, model)
            for key in request.output_filter or outputs:
                response.outputs[key].CopyFrom(_to_proto(outputs[key]))
            return response

        def measured() -> predict_pb2.PredictResponse:
            with self._metrics.request("GRPC"):
                return answer()

        return _or_abort(measured, context)

    def GetModelMetadata(  # noqa: N802
        self, request: Any, context: grpc.ServicerContext
    ) -> get_model_metadata_pb2.GetModelMetadataResponse:
        """Describes the signatures."""

        def answer() -> get_model_metadata_pb2.GetModelMetadataResponse:
            if list(request.metadata_field) != [SIGNATURE_DEF]:
                raise invalid(f"metadata_field must be {SIGNATURE_DEF}")
            return metadata_message(request.model_spec.name, self._find(request.model_spec))

        return _or_abort(answer, context)

    def _find(self, spec: model_pb2.ModelSpec) -> LoadedModel:
        version = spec.version.value if spec.HasField("version") else None
        return self._versions.find(spec.name, version, spec.version_label or None)


class ModelService(model_service_pb2_grpc.ModelServiceServicer):
    """GetModelStatus."""

    def __init__(self, versions: Versions) -> None:
        """Answers with the states of these versions."""
        self._versions = versions

    def GetModelStatus(  # noqa: N802
        self, request: Any, context: grpc.ServicerContext
    ) -> get_model_status_pb2.GetModelStatusResponse:
        """Describes the state of each version, or of one."""

        def answer() -> get_model_status_pb2.GetModelStatusResponse:
            spec = request.model_spec
            version = spec.version.value if spec.HasField("version") else None
            return status_message(self._versions.states(spec.name, version))

        return _or_abort(answer, context)


def _or_abort(answer: Callable[[], Response], context: grpc.ServicerContext) -> Response:
    try:
        return answer()
    except ServingError as error:
        context.abort(error.code, str(error))
    except Exception as error:
        logger.exception("A bug")
        context.abort(grpc.StatusCode.INTERNAL, f"{type(error).__name__}; see the server's log")
    raise AssertionError("abort raises")


def _fill_spec(
    spec: model_pb2.ModelSpec, requested: model_pb2.ModelSpec, model: LoadedModel
) -> None:
    spec.name = requested.name
    spec.version.value = model.version
    spec.signature_name = requested.signature_name or DEFAULT_SIGNATURE


def _to_array(name: str, tensor: tensor_pb2.TensorProto) -> np.ndarray:
    try:
        return np.asarray(tf.make_ndarray(tensor))
    except (TypeError, ValueError) as error:
        raise invalid(f"Input {name!r} is no tensor: {error}") from None


def _to_proto(values: np.ndarray) -> tensor_pb2.TensorProto:
    if values.dtype not in _FIELDS:
        return tf.make_tensor_proto(values)
    dtype = tf.as_dtype(values.dtype).as_datatype_enum
    proto = tensor_pb2.TensorProto(
        dtype=dtype, tensor_shape=tf.TensorShape(values.shape).as_proto()
    )
    getattr(proto, _FIELDS[values.dtype]).extend(values.ravel().tolist())
    return proto
