"""The REST API of TensorFlow Serving, health, and metrics.

The body of `:predict` has rows (`instances`), columns (`inputs`), or rows of raw columns
(`examples`, an addition of this server).
"""

from __future__ import annotations

import base64
import binascii
import json
import reprlib
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

import grpc
import numpy as np
import tensorflow as tf
from fastapi import Depends, FastAPI, Request, Response
from starlette.exceptions import HTTPException

from tfxkit.features.training_values import notices
from tfxkit.serving.metrics import CONTENT_TYPE, RequestMetrics
from tfxkit.serving.model import (
    DEFAULT_SIGNATURE,
    LoadedModel,
    ServingError,
    SignatureDef,
    invalid,
)
from tfxkit.serving.versions import Versions, metadata_json, status_json

_MODEL = "/v1/models/{name}"
_SELECTORS = ("", "/versions/{version:int}", "/labels/{label}")
_METHOD = "predict"
_FORMS = ("instances", "inputs", "examples")
_BINARY_SUFFIX = "_bytes"  # outputs of such names are written in base64
# Bytes of an unpacked body: a small gzip file can unpack to a thousand times its size.
UNPACKED_LIMIT = 256 << 20
_GZIP_FORMAT = 16 + zlib.MAX_WBITS  # header and checksum of gzip, not of zlib
_TOO_LARGE, _UNSUPPORTED_ENCODING = 413, 415
_GZIP_NAMES = (["gzip"], ["x-gzip"])  # equal by RFC 9110


async def _body(request: Request) -> bytes:
    return await request.body()


def create_app(versions: Versions, metrics: RequestMetrics) -> FastAPI:
    """Creates the application, without pages of documentation: they load scripts from elsewhere."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    # No coroutines: each request has a thread, in which TensorFlow may take its time.
    def answer(
        request: Request,
        body: Annotated[bytes, Depends(_body)],
        *,
        name: str,
        method: str,
        version: int | None = None,
        label: str | None = None,
    ) -> Response:
        if method != _METHOD:
            raise _malformed(request)
        with metrics.request("REST"):
            document = parse_body(unpack(body, request.headers.getlist("content-encoding")))
            return _json(predict(versions.find(name, version, label), document, metrics))

    def status(
        request: Request, name: str, version: int | None = None, label: str | None = None
    ) -> Response:
        if ":" in name:  # the address of a method, opened in a browser
            raise _malformed(request)
        if label:
            versions.find(name, label=label)
        return _json(status_json(versions.states(name, version)))

    def metadata(name: str, version: int | None = None, label: str | None = None) -> Response:
        return _json(metadata_json(name, versions.find(name, version, label)))

    def healthz() -> Response:
        if versions.current is None:
            raise ServingError(grpc.StatusCode.UNAVAILABLE, "No version is served")
        return _json({"status": "ok", "model": versions.name, "version": versions.current.version})

    def prometheus() -> Response:
        metrics.version.set(versions.current.version if versions.current else 0)
        return Response(metrics.text(), media_type=CONTENT_TYPE)

    for selector in _SELECTORS:
        app.post(f"{_MODEL}{selector}:{{method}}")(answer)
        app.get(f"{_MODEL}{selector}/metadata")(metadata)
        app.get(f"{_MODEL}{selector}")(status)
    app.get("/healthz")(healthz)
    app.get("/monitoring/prometheus/metrics")(prometheus)
    app.exception_handler(ServingError)(_error)
    app.exception_handler(HTTPException)(_no_route)
    app.exception_handler(Exception)(_bug)
    return app


def unpack(body: bytes, encodings: Sequence[str]) -> bytes:
    """Decodes a body by its headers `Content-Encoding`.

    Raises:
        ServingError: 415 for another encoding than gzip, 413 above `UNPACKED_LIMIT`, 400 for
            damaged data.
    """
    listed = [name.strip().lower() for value in encodings for name in value.split(",")]
    names = [name for name in listed if name not in ("", "identity")]
    if not names:
        return body
    if names not in _GZIP_NAMES:
        raise ServingError(
            grpc.StatusCode.INVALID_ARGUMENT,
            f"Content-Encoding {', '.join(names)} is not supported. Send gzip, or no encoding.",
            _UNSUPPORTED_ENCODING,
        )
    decompressor = zlib.decompressobj(_GZIP_FORMAT)
    try:
        unpacked = decompressor.decompress(body, UNPACKED_LIMIT + 1)
    except zlib.error as error:
        raise invalid(f"The gzip body is damaged: {error}") from None
    if len(unpacked) > UNPACKED_LIMIT:
        raise ServingError(
            grpc.StatusCode.RESOURCE_EXHAUSTED,
            f"The gzip body has more than {UNPACKED_LIMIT >> 20} MiB unpacked. "
            "Send the rows in several requests.",
            _TOO_LARGE,
        )
    if not decompressor.eof:
        raise invalid("The gzip body is truncated")
    if decompressor.unused_data:
        raise invalid("The gzip body has bytes after its end")
    return unpacked


def parse_body(body: bytes) -> dict[str, Any]:
    """Parses a body; NaN and Infinity are numbers, as in TensorFlow Serving.

    Raises:
        ServingError: If the body is not a JSON object.
    """
    if not body:
        raise invalid("JSON Parse error: The document is empty")
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:  # no JSON, no UTF-8, too deep, too many digits
        raise invalid(f"JSON Parse error: {error}") from None
    if not isinstance(document, dict):
        raise invalid(f"JSON value is not an object but {type(document).__name__}")
    if not isinstance(document.get("signature_name", ""), str):
        raise invalid("'signature_name' key must be a string value")
    return document


def predict(
    model: LoadedModel, document: Mapping[str, Any], metrics: RequestMetrics
) -> dict[str, Any]:
    """Answers a document from `parse_body`.

    Args:
        model: The version that answers.
        document: The parsed body.
        metrics: Counts the values by column.

    Returns:
        `{"predictions": …}` for rows, `{"outputs": …}` for columns. The name of a single output is
        left out. For `examples`, `"warnings"` lists columns with mostly unseen values, if any.

    Raises:
        ServingError: If the document does not fit the signature.
    """
    forms = [form for form in _FORMS if form in document]
    if len(forms) != 1:
        raise invalid(f"Exactly one of the keys {', '.join(_FORMS)} must be there")
    [form] = forms
    name, signature = model.signature(document.get("signature_name", ""))
    if form == "examples":
        return _answer_rows(document[form], model, name, metrics)
    read = _from_instances if form == "instances" else _from_inputs
    inputs = read(document[form], signature)
    outputs = model.run(name, inputs)
    metrics.add_values(model.count_examples(name, inputs))
    return _columns(outputs) if form == "inputs" else _rows(outputs)


def _json(content: Any, status: int = 200) -> Response:
    # Not a JSONResponse, which refuses NaN; TensorFlow Serving writes it.
    return Response(json.dumps(content, indent=1), status, media_type="application/json")


def _malformed(request: Request) -> ServingError:
    return invalid(f"Malformed request: {request.method} {request.url.path}")


def _error(_: Request, error: Exception) -> Response:
    status = error.http_status if isinstance(error, ServingError) else 500
    response = _json({"error": str(error)}, status)
    if status == _UNSUPPORTED_ENCODING:
        response.headers["Accept-Encoding"] = "gzip"  # RFC 7694
    return response


def _no_route(request: Request, error: Exception) -> Response:
    if request.url.path.startswith("/v1/"):
        return _error(request, _malformed(request))
    status = error.status_code if isinstance(error, HTTPException) else 500
    return _json({"error": f"Not Found: {request.url.path}"}, status)


def _bug(_: Request, error: Exception) -> Response:
    return _json({"error": f"Internal error: {type(error).__name__}; see the server's log"}, 500)


def _from_instances(instances: Any, signature: SignatureDef) -> dict[str, np.ndarray]:
    _check_list("instances", instances)
    names = sorted(signature.inputs)
    objects = [isinstance(row, Mapping) and not _is_binary(row) for row in instances]
    if not any(objects):
        return {_only(names, "instances"): _array(instances, names[0], signature)}
    for place, row in enumerate(instances):
        if not objects[place] or sorted(row) != names:
            raise invalid(
                f"Failed to process element: {place} of 'instances' list. Its keys must be equal "
                f"to: {','.join(names)}"
            )
    return {name: _array([row[name] for row in instances], name, signature) for name in names}


def _from_inputs(inputs: Any, signature: SignatureDef) -> dict[str, np.ndarray]:
    names = sorted(signature.inputs)
    if not isinstance(inputs, Mapping) or _is_binary(inputs):
        return {_only(names, "inputs"): _array(inputs, names[0], signature)}
    if missing := [name for name in names if name not in inputs]:
        raise invalid(f"Missing named input: {', '.join(missing)} in 'inputs' object.")
    return {name: _array(inputs[name], name, signature) for name in names}


def _answer_rows(
    rows: Any, model: LoadedModel, name: str, metrics: RequestMetrics
) -> dict[str, Any]:
    """Answers rows of raw columns, with warnings about their values."""
    _check_list("examples", rows)
    if name != DEFAULT_SIGNATURE:
        raise invalid(f"'examples' are for the signature {DEFAULT_SIGNATURE}, not for {name}")
    values = model.rows.read(rows)
    input_name = _only(sorted(model.signature_defs[name].inputs), "examples")
    outputs = model.run(name, {input_name: model.rows.encode(values)})
    counts = model.count_rows(values)
    metrics.add_values(counts)
    answer = _rows(outputs)
    if warnings := notices(counts):
        answer["warnings"] = warnings
    return answer


def _check_list(form: str, value: Any) -> None:
    if not isinstance(value, list) or not value:
        raise invalid(f"{form!r} must be a list with at least one element")


def _only(names: list[str], form: str) -> str:
    if len(names) != 1:
        raise invalid(f"{form!r} must name the inputs, for there are several: {', '.join(names)}")
    return names[0]


def _array(value: Any, name: str, signature: SignatureDef) -> np.ndarray:
    """Converts a value, or lists in lists of values; `{"b64": text}` is a binary one."""
    dtype = tf.as_dtype(signature.inputs[name].dtype)
    shape = _shape(value)
    try:
        flat = [_leaf(leaf, dtype, name) for leaf in _leaves(value, shape, name)]
        return np.array(flat, dtype.as_numpy_dtype).reshape(shape)
    except RecursionError as error:
        raise invalid(f"Input {name!r} has lists in too many lists: {error}") from None
    except (OverflowError, ValueError) as error:  # also a text that UTF-8 cannot encode
        raise invalid(f"Input {name!r} does not fit into {dtype.name}: {error}") from None


def _is_binary(value: Any) -> bool:
    """True for an encoded binary value, false for an object of named tensors."""
    return isinstance(value, Mapping) and value.keys() == {"b64"} and isinstance(value["b64"], str)


def _shape(value: Any) -> list[int]:
    shape = []
    while isinstance(value, list):
        shape.append(len(value))
        value = value[0] if value else None
    return shape


def _leaves(value: Any, shape: list[int], name: str) -> Iterator[Any]:
    if not shape:
        if isinstance(value, list):
            raise invalid(f"Input {name!r} has lists of different depths")
        yield value
        return
    if not isinstance(value, list) or len(value) != shape[0]:
        size = len(value) if isinstance(value, list) else "a value"
        raise invalid(f"Input {name!r} has lists of different sizes: {shape[0]} and {size}")
    for part in value:
        yield from _leaves(part, shape[1:], name)


def _leaf(value: Any, dtype: tf.DType, name: str) -> Any:
    if dtype == tf.string:
        if _is_binary(value):
            return _decoded(value["b64"], name)
        if isinstance(value, str):
            return value.encode()
    elif dtype == tf.bool:
        if isinstance(value, bool):
            return value
    elif _is_number(value, whole=not dtype.is_floating):
        return value
    shown = reprlib.repr(value)
    raise invalid(f"JSON value {shown} of input {name!r} is not of expected type: {dtype.name}")


def _is_number(value: Any, *, whole: bool) -> bool:
    types = int if whole else int | float
    return isinstance(value, types) and not isinstance(value, bool)


def _decoded(text: str, name: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise invalid(f"Input {name!r} has a value that is no base64: {text:.40}") from None


def _rows(outputs: Mapping[str, np.ndarray]) -> dict[str, Any]:
    if any(values.ndim == 0 for values in outputs.values()) or (
        len({len(values) for values in outputs.values()}) != 1
    ):
        raise invalid("The outputs have not one row per instance: ask with 'inputs' instead")
    lists = {name: _lists(name, values) for name, values in sorted(outputs.items())}
    if len(lists) == 1:
        return {"predictions": next(iter(lists.values()))}
    rows = zip(*lists.values(), strict=True)
    return {"predictions": [dict(zip(lists, row, strict=True)) for row in rows]}


def _columns(outputs: Mapping[str, np.ndarray]) -> dict[str, Any]:
    lists = {name: _lists(name, values) for name, values in sorted(outputs.items())}
    return {"outputs": next(iter(lists.values())) if len(lists) == 1 else lists}


def _lists(name: str, values: np.ndarray) -> Any:
    """Converts a tensor to lists in lists; float32 with as few digits as identify it."""
    if values.dtype == object:
        return _texts(values.tolist(), binary=name.endswith(_BINARY_SUFFIX))
    if values.dtype == np.float32:
        return values.astype(str).astype(np.float64).tolist()
    return values.tolist()


def _texts(value: Any, *, binary: bool) -> Any:
    if isinstance(value, list):
        return [_texts(part, binary=binary) for part in value]
    if binary:
        return {"b64": base64.b64encode(value).decode()}
    return value.decode(errors="replace")
