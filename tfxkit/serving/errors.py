"""What a request can end in: the status codes of gRPC, and what they are in HTTP."""

from __future__ import annotations

import re

import grpc
import tensorflow as tf

# As TensorFlow Serving translates them (model_servers/http_server.cc, ToHTTPStatusCode).
HTTP_STATUS = {
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.FAILED_PRECONDITION: 400,
    grpc.StatusCode.OUT_OF_RANGE: 400,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.UNIMPLEMENTED: 501,
    grpc.StatusCode.UNAVAILABLE: 503,
    grpc.StatusCode.DEADLINE_EXCEEDED: 504,
}
_BY_NUMBER = {code.value[0]: code for code in grpc.StatusCode}
# Where in the graph it happened is of no use to a client: " [[{{node …}}]]", " [Op:…]".
_PLACES = re.compile(r"\s*\[\[\{\{.*?\}\}\]\]|\s*\[Op:[^\]]*\]")


class ServingError(Exception):
    """A request that cannot be answered; the text is for who sent it.

    Attributes:
        code: The status of gRPC.
    """

    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        """Keeps both."""
        super().__init__(message)
        self.code = code

    @property
    def http_status(self) -> int:
        """The status of HTTP; 500 where the fault is not the client's."""
        return HTTP_STATUS.get(self.code, 500)


def invalid(message: str) -> ServingError:
    """The request does not fit the model, or is malformed."""
    return ServingError(grpc.StatusCode.INVALID_ARGUMENT, message)


def not_found(message: str) -> ServingError:
    """There is no such model, or not in that version."""
    return ServingError(grpc.StatusCode.NOT_FOUND, message)


def of_tensorflow(error: tf.errors.OpError) -> ServingError:
    """What the model's graph raised, without the graph."""
    text = _PLACES.sub("", error.message).strip()
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    # The reason comes after a heading about the node and its (unavailable) stack trace.
    starts = [place for place, line in enumerate(lines) if line.startswith("<stack traces")]
    reason = " ".join(lines[starts[-1] + 1 :] if starts else lines)
    return ServingError(_BY_NUMBER.get(error.error_code, grpc.StatusCode.UNKNOWN), reason)
