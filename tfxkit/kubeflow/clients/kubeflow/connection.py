"""The official client, connected to its server by its own ways, and that tried."""

from __future__ import annotations

import contextlib
import json
import os
import warnings
from typing import Any

import kfp
import kfp_server_api
import urllib3
from kfp.client.set_volume_credentials import ServiceAccountTokenVolumeCredentials

from tfxkit.config.remote.settings import KubeflowSettings
from tfxkit.errors import UsageError
from tfxkit.kubeflow import lost_answers
from tfxkit.kubeflow.clients.kubeflow import address
from tfxkit.kubeflow.clients.kubeflow.refusals import TOKEN_VARIABLE, NoMessageError, explained

TIMEOUT_S = (4, 20)  # to connect, to answer
CREATE_TIMEOUT_S = (4, 60)
# urllib3's default, three attempts, repeats a POST after an error of TLS, whenever that occurs: the
# server may have carried it out (urllib3 2.8.0, util/retry.py, increment: "Other retry?").
_RETRIES = urllib3.Retry(3, other=0)


class _Client(kfp.Client):
    """Sends no POST twice, and asks for the server's health once, with a time limit.

    kfp 2.16.1 tries five times, five seconds apart, without a limit and with a traceback in the
    log for each (client/client.py:427), and takes the page of a login for an answer.
    """

    def __init__(self, host: str | None, credentials: Any) -> None:
        super().__init__(host=host, credentials=credentials)
        pools = self.runs.api_client.rest_client.pool_manager
        pools.connection_pool_kw["retries"] = _RETRIES

    def get_kfp_healthz(self, sleep_duration: int = 0) -> kfp_server_api.V2beta1GetHealthzResponse:
        """The answer of the server."""
        answer = self.healthzs.healthz_service_get_healthz(
            _preload_content=False, _request_timeout=TIMEOUT_S
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
        # Outside a cluster the client reads a token file only on request.
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

    def errors_explained(
        self, passing: bool = False, creating: bool = False
    ) -> contextlib.AbstractContextManager[None]:
        """See `refusals.explained`."""
        return explained(self.address, passing, creating)

    def experiment_id(self, name: str) -> str:
        """The id of an experiment, which is created if need be.

        Names of experiments are unique: one that another submission creates at the same moment, or
        that a request with a lost answer left, is found by its name.

        Raises:
            UsageError: If Kubeflow cannot be reached, or refuses.
        """
        found = self._find_experiment(name)
        if found:
            return found

        def send() -> str:
            experiment = kfp_server_api.V2beta1Experiment(
                display_name=name, namespace=self.namespace
            )
            with self.errors_explained(creating=True):
                made = self.client.experiments.experiment_service_create_experiment(
                    experiment, _request_timeout=CREATE_TIMEOUT_S
                )
                return created_id(made.experiment_id)

        return lost_answers.create(
            send,
            lambda: self._find_experiment(name, passing=True),
            f"Whether the experiment {name!r} was created is unknown. No run was started: submit "
            "again.",
        )

    def _find_experiment(self, name: str, passing: bool = False) -> str | None:
        namespace = {"namespace": self.namespace} if self.namespace else {}
        with self.errors_explained(passing):
            found = self.client.experiments.experiment_service_list_experiments(
                filter=equals("display_name", name), _request_timeout=TIMEOUT_S, **namespace
            )
        return found.experiments[0].experiment_id if found.experiments else None

    def get_run(self, run_id: str) -> Any:
        """The run as the server has it.

        Raises:
            NoAnswerError: If it does not answer, which may pass.
            UsageError: If it answers something else.
        """
        with self.errors_explained(passing=True):
            run = self.client.runs.run_service_get_run(run_id, _request_timeout=TIMEOUT_S)
            if run.run_id != run_id:  # the client makes an empty run of any answer
                raise NoMessageError
        return run


def equals(field: str, value: str) -> str:
    """A filter of the API's lists (kubeflow/pipelines 2.17, backend/api/v2beta1/filter.proto)."""
    predicate = {"operation": "EQUALS", "key": field, "stringValue": value}
    return json.dumps({"predicates": [predicate]})


def created_id(value: str | None) -> str:
    """The id in an answer.

    Raises:
        NoMessageError: If there is none: the client makes an empty message of any answer.
    """
    if not value:
        raise NoMessageError
    return value
