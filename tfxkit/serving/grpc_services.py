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
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
    regression_pb2,
)

from tfxkit.serving import descriptions, example_methods
from tfxkit.serving.errors import ServingError, invalid
from tfxkit.serving.loaded_model import DEFAULT_SIGNATURE, LoadedModel
from tfxkit.serving.metrics import Metrics
from tfxkit.serving.versions import Versions

logger = logging.getLogger("tfxkit.serving")
Response = TypeVar("Response")

# Where TensorFlow Serving, and so clients in other languages, put values; others as raw bytes.
_FIELDS = {
    np.dtype(np.float32): "float_val",
    np.dtype(np.float64): "double_val",
    np.dtype(np.int32): "int_val",
    np.dtype(np.int64): "int64_val",
    np.dtype(np.bool_): "bool_val",
    np.dtype(object): "string_val",
}


def add_to(server: grpc.Server, versions: Versions, metrics: Metrics) -> None:
    """Registers both services."""
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
        PredictionService(versions, metrics), server
    )
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(ModelService(versions), server)


class PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Predict, Classify, Regress and GetModelMetadata."""

    def __init__(self, versions: Versions, metrics: Metrics) -> None:
        """Answers with whatever version is served."""
        self._versions, self._metrics = versions, metrics

    def Predict(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Calls a signature with tensors."""

        def answer() -> predict_pb2.PredictResponse:
            model = self._find(request.model_spec)
            name, signature = model.signature(request.model_spec.signature_name)
            unknown = set(request.output_filter) - signature.outputs.keys()
            if unknown:
                raise invalid(f"output tensor alias not found in signature: {min(unknown)}")
            outputs = model.run(name, {k: _to_array(k, v) for k, v in request.inputs.items()})
            response = predict_pb2.PredictResponse()
            _fill_spec(response.model_spec, request.model_spec, model)
            for key in request.output_filter or outputs:
                response.outputs[key].CopyFrom(_to_proto(outputs[key]))
            return response

        return self._answered("Predict", answer, context)

    def Classify(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Labels and scores, if the signature is made for it."""

        def answer() -> classification_pb2.ClassificationResponse:
            spec = request.model_spec
            model = self._find(spec)
            result = example_methods.classify(model, spec.signature_name, request.input)
            response = classification_pb2.ClassificationResponse(result=result)
            _fill_spec(response.model_spec, spec, model)
            return response

        return self._answered("Classify", answer, context)

    def Regress(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Numbers, if the signature is made for it."""

        def answer() -> regression_pb2.RegressionResponse:
            spec = request.model_spec
            model = self._find(spec)
            result = example_methods.regress(model, spec.signature_name, request.input)
            response = regression_pb2.RegressionResponse(result=result)
            _fill_spec(response.model_spec, spec, model)
            return response

        return self._answered("Regress", answer, context)

    def GetModelMetadata(  # noqa: N802
        self, request: Any, context: grpc.ServicerContext
    ) -> get_model_metadata_pb2.GetModelMetadataResponse:
        """The signatures."""

        def answer() -> get_model_metadata_pb2.GetModelMetadataResponse:
            if list(request.metadata_field) != [descriptions.SIGNATURE_DEF]:
                raise invalid(f"metadata_field must be {descriptions.SIGNATURE_DEF}")
            return descriptions.metadata(request.model_spec.name, self._find(request.model_spec))

        return _or_abort(answer, context)

    def _find(self, spec: model_pb2.ModelSpec) -> LoadedModel:
        version = spec.version.value if spec.HasField("version") else None
        return self._versions.find(spec.name, version, spec.version_label or None)

    def _answered(
        self, api: str, answer: Callable[[], Response], context: grpc.ServicerContext
    ) -> Response:
        def measured() -> Response:
            with self._metrics.request(api, "GRPC"):
                return answer()

        return _or_abort(measured, context)


class ModelService(model_service_pb2_grpc.ModelServiceServicer):
    """GetModelStatus."""

    def __init__(self, versions: Versions) -> None:
        """Tells what became of the versions."""
        self._versions = versions

    def GetModelStatus(  # noqa: N802
        self, request: Any, context: grpc.ServicerContext
    ) -> get_model_status_pb2.GetModelStatusResponse:
        """The state of each version, or of one."""

        def answer() -> get_model_status_pb2.GetModelStatusResponse:
            spec = request.model_spec
            version = spec.version.value if spec.HasField("version") else None
            return descriptions.status(self._versions.states(spec.name, version))

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
