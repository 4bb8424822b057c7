"""The official client, connected to its server by its own ways, and that tried."""

from __future__ import annotations

import contextlib
import json
import os
import warnings
from typing import Any

import kfp
import kfp_server_api
from kfp.client.set_volume_credentials import ServiceAccountTokenVolumeCredentials

from pipeline.kubeflow.clients.kubeflow import address
from pipeline.kubeflow.clients.kubeflow.refusals import TOKEN_VARIABLE, NoMessageError, explained
from pipeline.kubeflow.settings import KubeflowSettings
from tfxkit.errors import UsageError

_TIMEOUT_S = (4, 20)  # to connect, to answer


class _Client(kfp.Client):
    """Asks for the server's health once, with a time limit.

    kfp 2.16.1 tries five times, five seconds apart, without a limit and with a traceback in the
    log for each (client/client.py:427), and takes the page of a login for an answer.
    """

    def get_kfp_healthz(self, sleep_duration: int = 0) -> kfp_server_api.V2beta1GetHealthzResponse:
        """The answer of the server."""
        answer = self.healthzs.healthz_service_get_healthz(
            _preload_content=False, _request_timeout=_TIMEOUT_S
        )
        try:
            body = json.loads(answer.data)
        except ValueError:
            raise NoMessageError from None
        return kfp_server_api.V2beta1GetHealthzResponse(multi_user=bool(body.get("multi_user")))


class Connection:
    """A client that has reached its server.

    Attributes:
        client: The official client.
        address: Where the server is.
        namespace: That of the runs, where there are several users.
    """

    def __init__(self, section: KubeflowSettings) -> None:
        """Connects by host, environment, kubeconfig or token file.

        Raises:
            UsageError: If that does not succeed within seconds, with the reason and the cure.
        """
        self.address = address.find(section.host)
        # Outside of a cluster the client looks for a token file only if it is told to.
        token_file = os.environ.get(TOKEN_VARIABLE)
        credentials = ServiceAccountTokenVolumeCredentials(token_file) if token_file else None
        with self.errors_explained(), warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # about servers that are years old
            self.client = _Client(host=self.address.host, credentials=credentials)
            health = self.client.get_kfp_healthz()
        self.namespace = section.namespace or self.client.get_user_namespace() or None
        if health.multi_user and not self.namespace:
            raise UsageError(
                f"{self.address} serves several users: say in which namespace to run "
                "(kubeflow.namespace in the configuration)"
            )

    def errors_explained(self, passing: bool = False) -> contextlib.AbstractContextManager[None]:
        """See `refusals.explained`."""
        return explained(self.address, passing)

    def get_run(self, run_id: str) -> Any:
        """The run as the server has it.

        Raises:
            NoAnswerError: If it does not answer, which may pass.
            UsageError: If it answers something else.
        """
        with self.errors_explained(passing=True):
            run = self.client.runs.run_service_get_run(run_id, _request_timeout=_TIMEOUT_S)
            if run.run_id != run_id:  # the client makes an empty run of any answer
                raise NoMessageError
        return run
