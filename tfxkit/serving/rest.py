"""The REST API of TensorFlow Serving, health, and the metrics."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Annotated, Any

import grpc
from fastapi import Depends, FastAPI, Request, Response
from starlette.exceptions import HTTPException

from tfxkit.serving import descriptions, example_methods, predict_json
from tfxkit.serving.errors import ServingError, invalid
from tfxkit.serving.loaded_model import LoadedModel
from tfxkit.serving.metrics import CONTENT_TYPE, Metrics
from tfxkit.serving.versions import Versions

MODEL = "/v1/models/{name}"
WHICH = ("", "/versions/{version:int}", "/labels/{label}")

Document = dict[str, Any]


def _classify(model: LoadedModel, document: Document) -> Document:
    examples = example_methods.examples_of(document)
    result = example_methods.classify(model, document.get("signature_name", ""), examples)
    return example_methods.classifications_to_json(result)


def _regress(model: LoadedModel, document: Document) -> Document:
    examples = example_methods.examples_of(document)
    result = example_methods.regress(model, document.get("signature_name", ""), examples)
    return example_methods.regressions_to_json(result)


METHODS: dict[str, Callable[[LoadedModel, Document], Document]] = {
    "predict": predict_json.answer,
    "classify": _classify,
    "regress": _regress,
}


async def _body(request: Request) -> bytes:
    return await request.body()


def create_app(versions: Versions, metrics: Metrics) -> FastAPI:
    """The application; no pages of documentation, for they load scripts from elsewhere."""
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
        if method not in METHODS:
            raise _malformed(request)
        with metrics.request(method.capitalize(), "REST"):
            document = predict_json.parse(body)
            return _json(METHODS[method](versions.find(name, version, label), document))

    def status(
        request: Request, name: str, version: int | None = None, label: str | None = None
    ) -> Response:
        if ":" in name:  # as when somebody opens the address of a method in a browser
            raise _malformed(request)
        if label:
            versions.find(name, label=label)
        return _json(descriptions.status_json(versions.states(name, version)))

    def metadata(name: str, version: int | None = None, label: str | None = None) -> Response:
        return _json(descriptions.metadata_json(name, versions.find(name, version, label)))

    def healthz() -> Response:
        if versions.current is None:
            raise ServingError(grpc.StatusCode.UNAVAILABLE, "No version is served")
        return _json({"status": "ok", "model": versions.name, "version": versions.current.version})

    def prometheus() -> Response:
        metrics.version.set(versions.current.version if versions.current else 0)
        return Response(metrics.text(), media_type=CONTENT_TYPE)

    for which in WHICH:
        app.post(f"{MODEL}{which}:{{method}}")(answer)
        app.get(f"{MODEL}{which}/metadata")(metadata)
        app.get(f"{MODEL}{which}")(status)
    app.get("/healthz")(healthz)
    app.get("/monitoring/prometheus/metrics")(prometheus)
    app.exception_handler(ServingError)(_error)
    app.exception_handler(HTTPException)(_no_route)
    app.exception_handler(Exception)(_bug)
    return app


def _json(content: Any, status: int = 200) -> Response:
    # Not a JSONResponse, which refuses NaN; TensorFlow Serving writes it.
    return Response(json.dumps(content, indent=1), status, media_type="application/json")


def _malformed(request: Request) -> ServingError:
    return invalid(f"Malformed request: {request.method} {request.url.path}")


def _error(_: Request, error: Exception) -> Response:
    status = error.http_status if isinstance(error, ServingError) else 500
    return _json({"error": str(error)}, status)


def _no_route(request: Request, error: Exception) -> Response:
    if request.url.path.startswith("/v1/"):
        return _error(request, _malformed(request))
    status = error.status_code if isinstance(error, HTTPException) else 500
    return _json({"error": f"Not Found: {request.url.path}"}, status)


def _bug(_: Request, error: Exception) -> Response:
    return _json({"error": f"Internal error: {type(error).__name__}; see the server's log"}, 500)
