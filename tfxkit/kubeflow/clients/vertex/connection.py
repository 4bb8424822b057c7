"""The official client of Vertex AI, set to a project, and its failures put into words."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator

import google.auth.exceptions
import requests
import urllib3
from google.api_core import exceptions as api_exceptions
from google.cloud import aiplatform

from tfxkit.config.remote.settings import VertexSettings
from tfxkit.errors import UsageError
from tfxkit.kubeflow.lost_answers import LostAnswerError
from tfxkit.kubeflow.remote_run import NoAnswerError

TIMEOUT_S = 60.0  # to answer
_LOGIN = "gcloud auth application-default login"
_NO_PROJECT = (
    "It is not known in which project to run: set vertex.project in the configuration, or gcloud "
    "config set project"
)


class Connection:
    """The official client, set to a project and a region."""

    def __init__(self, section: VertexSettings) -> None:
        """Finds application default credentials, and the project.

        Raises:
            UsageError: If there are none.
        """
        self._location = section.location
        with self.errors_explained():
            aiplatform.init(
                project=section.project,
                location=section.location,
                service_account=section.service_account,
                network=section.network,
                encryption_spec_key_name=section.encryption_key,
                # Not gRPC, which knows no proxies and waits in silence for what does not answer.
                api_transport="rest",
            )
            try:
                self._project = aiplatform.initializer.global_config.project
            except ValueError:
                raise UsageError(_NO_PROJECT) from None

    def page(self, kind: str, name: str) -> str:
        """The address of a page of the console."""
        return (
            f"https://console.cloud.google.com/vertex-ai/locations/{self._location}/pipelines/"
            f"{kind}/{name}?project={self._project}"
        )

    @contextlib.contextmanager
    def errors_explained(self, passing: bool = False, creating: bool = False) -> Iterator[None]:
        """Puts what goes wrong between client and service into one screen.

        Args:
            passing: Whether the service has answered before, so that silence may pass.
            creating: Whether the request creates something, which must not happen twice.

        Raises:
            LostAnswerError: If the request may have been carried out, and `creating`.
            NoAnswerError: If it does not answer, and `passing`.
            UsageError: For all else.
        """
        silence = (
            requests.RequestException,
            google.auth.exceptions.TransportError,
            api_exceptions.ServerError,
            api_exceptions.RetryError,
        )
        try:
            yield
        except silence as error:
            if creating and _was_sent(error):
                raise LostAnswerError(
                    f"Vertex AI in {self._location} has not answered: {_first_line(error)}"
                ) from None
            told = (
                f"Vertex AI in {self._location} does not answer: {_first_line(error)}\n"
                "Is the region right (vertex.location in the configuration), and is there a way "
                "to it from here (HTTPS_PROXY)?"
            )
            raise NoAnswerError(told) if passing else UsageError(told) from None
        except google.auth.exceptions.RefreshError as error:
            raise UsageError(
                f"The credentials are no longer valid ({_first_line(error)}): {_LOGIN}"
            ) from None
        except google.auth.exceptions.GoogleAuthError as error:
            raise UsageError(_incomplete(error)) from None
        except ValueError as error:  # the client's own checks
            raise UsageError(f"Vertex AI's client refuses: {error}") from None
        except api_exceptions.Unauthorized as error:
            raise UsageError(
                f"Vertex AI does not know who asks: {_message(error)}\n{_LOGIN}"
            ) from None
        except api_exceptions.Forbidden as error:
            raise UsageError(
                f"Vertex AI does not allow this in {self._project}: {_message(error)}\n"
                "You need roles/aiplatform.user, and roles/iam.serviceAccountUser on the service "
                "account of the runs; the API must be enabled (gcloud services enable "
                "aiplatform.googleapis.com)"
            ) from None
        except api_exceptions.GoogleAPICallError as error:
            told = f"Vertex AI refuses ({error.code}): {_message(error)}"
            if creating and isinstance(error, api_exceptions.Conflict):  # a repeated request
                raise LostAnswerError(told) from None
            raise UsageError(told) from None


def _was_sent(error: Exception) -> bool:
    """False if there was no connection to send anything over, or no token to send with it."""
    if isinstance(error, google.auth.exceptions.TransportError):
        return False
    reason = error.args[0] if error.args else None
    reason = getattr(reason, "reason", reason)  # requests wraps an error of urllib3
    return not isinstance(
        reason, urllib3.exceptions.ConnectTimeoutError | urllib3.exceptions.ProxyError
    )


def _message(error: api_exceptions.GoogleAPICallError) -> str:
    """What the service said, without the request that it answers."""
    return re.sub(r"^[A-Z]+ https?://\S+: ", "", error.message)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0] or type(error).__name__


def _incomplete(error: google.auth.exceptions.GoogleAuthError) -> str:
    """What is missing; in want of a project the client looks for credentials, and says so."""
    lack = google.auth.exceptions.DefaultCredentialsError
    if isinstance(error, lack) or isinstance(error.__cause__, lack):
        return f"There are no credentials for Google Cloud: {_LOGIN}"
    return f"The credentials for Google Cloud cannot be used ({_first_line(error)}): {_LOGIN}"
