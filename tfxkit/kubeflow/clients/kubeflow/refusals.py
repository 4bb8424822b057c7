"""What goes wrong between client and API server, in one screen: what, and what to do."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator

import kfp_server_api
import urllib3

from tfxkit.errors import UsageError
from tfxkit.kubeflow.clients.kubeflow.address import PORT_FORWARD, Address
from tfxkit.kubeflow.lost_answers import LostAnswerError
from tfxkit.kubeflow.remote_run import NoAnswerError

TOKEN_VARIABLE = "KF_PIPELINES_SA_TOKEN_PATH"  # noqa: S105 - where a token is, not one
_SERVER_ERROR = 500
_NOT_THERE = (0, 404)  # 0: no TLS
_CONFLICT = 409
# The API server's own refusals; any other status from 500 on may come from a gateway before it,
# which knows no more than that there was no answer.
_REFUSALS = (500, 501)
_MOST_LINES = 5  # the server adds where in its sources an error comes from
_LOGIN_PAGE = (
    "answers with a page for people, a login most likely: the client has no valid session there. "
    f"Give it one by a port-forward ({PORT_FORWARD}, host http://localhost:8080), or by a token "
    f"file ({TOKEN_VARIABLE})"
)
_HINTS = {
    401: "The token has expired or is none of its own: log in again (kubeconfig), or renew the "
    f"token file ({TOKEN_VARIABLE})",
    403: "Ask for the role kubeflow-edit in the namespace of the runs, or choose another "
    "(kubeflow.namespace in the configuration)",
}


class NoMessageError(Exception):
    """An answer that is none of the API's."""


@contextlib.contextmanager
def explained(address: Address, passing: bool = False, creating: bool = False) -> Iterator[None]:
    """Turns the errors of the client into errors with a text for people.

    Args:
        address: Whom the client asks.
        passing: Whether the server has answered before, so that silence may pass.
        creating: Whether the request creates something, which must not happen twice.

    Raises:
        LostAnswerError: If the request may have been carried out, and `creating`.
        NoAnswerError: If it does not answer, and `passing`.
        UsageError: For all else.
    """
    try:
        yield
    except urllib3.exceptions.HTTPError as error:
        if creating and _was_sent(error):
            raise LostAnswerError(f"{address} has not answered: {_reason(error)}") from None
        told = f"{address} cannot be reached: {_reason(error)}\n{address.hint}"
        raise NoAnswerError(told) if passing else UsageError(told) from None
    except NoMessageError:
        told = f"{address} {_LOGIN_PAGE}"
        raise LostAnswerError(told) if creating else UsageError(told) from None
    except (FileNotFoundError, PermissionError, IsADirectoryError) as error:
        raise UsageError(f"{error.filename}: {error.strerror} ({TOKEN_VARIABLE})") from None
    except kfp_server_api.ApiException as error:
        hint = address.hint if error.status in _NOT_THERE else _HINTS.get(error.status, "")
        told = f"{address} refuses ({error.status or 'TLS'}): {_message(error)}\n{hint}".rstrip()
        status = error.status or _SERVER_ERROR
        if passing and status >= _SERVER_ERROR:
            raise NoAnswerError(told) from None
        if creating and error.status == _CONFLICT:  # somebody was faster, or the request came twice
            raise LostAnswerError(told) from None
        if creating and status >= _SERVER_ERROR and error.status not in _REFUSALS:
            told = f"{address} has not answered ({error.status or 'TLS'}): {_message(error)}"
            raise LostAnswerError(told) from None
        raise UsageError(told) from None


def _was_sent(error: urllib3.exceptions.HTTPError) -> bool:
    """False if there was no connection to send anything over."""
    if isinstance(error, urllib3.exceptions.MaxRetryError) and error.reason:
        return not isinstance(
            error.reason,
            urllib3.exceptions.ConnectTimeoutError
            | urllib3.exceptions.ProxyError  # before the tunnel is there
            | urllib3.exceptions.ResponseError,  # redirected too often
        )
    return True


def _reason(error: Exception) -> str:
    """The innermost reason, without the object of urllib3 that tells it."""
    reason = getattr(error, "reason", None) or error
    if isinstance(reason, urllib3.exceptions.ProtocolError) and len(reason.args) > 1:
        reason = reason.args[1]
    return re.sub(r"^\w+\(.*?\): ", "", str(reason))


def _message(error: kfp_server_api.ApiException) -> str:
    """What the server said."""
    try:
        body = json.loads(error.body)
        said = str(body.get("message") or body.get("error") or body)
    except (TypeError, ValueError, AttributeError):
        said = str(error.reason or error.body or "no reason is given")
    return "\n".join(said.splitlines()[:_MOST_LINES])
