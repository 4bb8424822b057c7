"""Errors of the backend, in its own words.

Its Go code knows two kinds. A UserError has a gRPC code and grows at the front as it is handed up
("Failed to create a run: Invalid input error: …"). Any other error leaves the server as "Internal
error:", and the layers it went through follow, line by line (common/util/error.go:183, 339, 375;
the server adds stack traces, which are left out here).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

INVALID_ARGUMENT, NOT_FOUND, ALREADY_EXISTS, INTERNAL = 3, 5, 6, 13


class NotEmulated(NotImplementedError):  # noqa: N818 - it is no error of the package
    """The package may be right, but this emulator cannot execute it."""


class BackendError(Exception):
    """An error as the backend words it.

    Attributes:
        code: The gRPC code.
        external: The short text for people, which travels in the reply's details.
        plain: Whether it is an error of Go without a code, hence one of the server's.
    """

    def __init__(
        self,
        text: str,
        code: int = INTERNAL,
        external: str = "Internal Server Error",
        plain: bool = False,
    ) -> None:
        super().__init__(text)
        self.code, self.external, self.plain = code, external, plain

    def message(self) -> str:
        """The text that the API server puts into its reply."""
        return f"Internal error: {self}" if self.plain else str(self)


def plain_error(text: str) -> BackendError:
    """An error of Go without a code, as the compiler, the driver and the launcher make them."""
    return BackendError(text, plain=True)


def invalid_input(text: str) -> BackendError:
    """Error for wrong input of the user (common/util/error.go:183)."""
    return BackendError(f"Invalid input error: {text}", INVALID_ARGUMENT, text)


def invalid_spec(text: str) -> BackendError:
    """Error for input that is no package (apiserver/template/template.go:55, error.go:188)."""
    return BackendError(
        f"InvalidInputError: {text}: pipeline spec is invalid", INVALID_ARGUMENT, text
    )


def not_found(kind: str, name: str) -> BackendError:
    """There is no such object (common/util/error.go:167)."""
    text = f"{kind} {name} not found"
    return BackendError(f"ResourceNotFoundError: {text}", NOT_FOUND, text)


@contextlib.contextmanager
def wrapped(text: str) -> Iterator[None]:
    """Adds a layer to what the body raises, as util.Wrap does (common/util/error.go:352)."""
    try:
        yield
    except BackendError as error:
        whole = f"{error}\n{text}" if error.plain else f"{text}: {error}"
        raise BackendError(whole, error.code, error.external, error.plain) from error


@contextlib.contextmanager
def prefixed(text: str) -> Iterator[None]:
    """Puts a layer in front of what the body raises, as fmt.Errorf("…: %w") does."""
    try:
        yield
    except BackendError as error:
        whole = f"{text}: {error}"
        raise BackendError(whole, error.code, error.external, error.plain) from error


@contextlib.contextmanager
def internal(text: str) -> Iterator[None]:
    """Turns what the body raises into the server's fault (common/util/error.go:139)."""
    try:
        yield
    except BackendError as error:
        raise BackendError(f"InternalServerError: {text}: {error}") from error
