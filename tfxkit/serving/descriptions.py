"""What a server says of its model, as the messages of TensorFlow Serving: status and metadata."""

from __future__ import annotations

import json
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import Message
from tensorflow_serving.apis import get_model_metadata_pb2, get_model_status_pb2

from tfxkit.serving.loaded_model import LoadedModel
from tfxkit.serving.versions import VersionState

SIGNATURE_DEF = "signature_def"
_States = get_model_status_pb2.ModelVersionStatus.State


def status(states: list[VersionState]) -> get_model_status_pb2.GetModelStatusResponse:
    """The state of each version."""
    response = get_model_status_pb2.GetModelStatusResponse()
    for one in states:
        added = response.model_version_status.add(
            version=one.version, state=_States.Value(one.state)
        )
        added.status.error_code = one.code.value[0]
        added.status.error_message = one.error
    return response


def metadata(name: str, model: LoadedModel) -> get_model_metadata_pb2.GetModelMetadataResponse:
    """The signatures of a version."""
    response = get_model_metadata_pb2.GetModelMetadataResponse()
    response.model_spec.name = name
    response.model_spec.version.value = model.version
    response.metadata[SIGNATURE_DEF].Pack(_signatures(model))
    return response


def status_json(states: list[VersionState]) -> dict[str, Any]:
    """The same as `status`, as the REST API writes it."""
    return _to_dict(status(states), keep_names=False)


def metadata_json(name: str, model: LoadedModel) -> dict[str, Any]:
    """The same as `metadata`, as the REST API writes it."""
    spec = metadata(name, model).model_spec
    signatures = _to_dict(_signatures(model), keep_names=True)
    return {
        "model_spec": _to_dict(spec, keep_names=True),
        "metadata": {SIGNATURE_DEF: signatures},
    }


def _signatures(model: LoadedModel) -> get_model_metadata_pb2.SignatureDefMap:
    return get_model_metadata_pb2.SignatureDefMap(signature_def=model.signature_defs)


def _to_dict(message: Message, *, keep_names: bool) -> dict[str, Any]:
    text = json_format.MessageToJson(
        message,
        preserving_proto_field_name=keep_names,
        always_print_fields_with_no_presence=True,
    )
    return json.loads(text)
