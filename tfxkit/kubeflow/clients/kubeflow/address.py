"""Where Kubeflow's API is, and where a person looks at what it has."""

from __future__ import annotations

import dataclasses
import os

HOST_VARIABLE = "KF_PIPELINES_ENDPOINT"
UI_VARIABLE = "KF_PIPELINES_UI_ENDPOINT"
PORT_FORWARD = "kubectl port-forward -n kubeflow svc/ml-pipeline-ui 8080:80"


@dataclasses.dataclass(frozen=True)
class Address:
    """An address of the API, if one is given; else the client finds its own way."""

    host: str | None

    def __str__(self) -> str:
        """What messages call it."""
        return f"Kubeflow's API at {self.host}" if self.host else "Kubeflow's API"

    @property
    def hint(self) -> str:
        """What to look at if nothing is there."""
        if self.host:
            return (
                "Is the address right (kubeflow.host in the configuration, or "
                f"{HOST_VARIABLE}), and is its port-forward still running?"
            )
        return (
            f"No address is given (kubeflow.host in the configuration, or {HOST_VARIABLE}), so it "
            "was looked for in this cluster and by way of kubeconfig"
        )

    def page(self, path: str) -> str:
        """Where a page of Kubeflow's is to be seen."""
        if host := os.environ.get(UI_VARIABLE) or self.host:
            scheme = "" if host.startswith("http") else "https://"
            return f"{scheme}{host.rstrip('/')}/#/{path}"
        return f"http://localhost:8080/#/{path} after: {PORT_FORWARD}"


def find(host: str | None) -> Address:
    """The address of the configuration, or of the environment."""
    return Address(host or os.environ.get(HOST_VARIABLE))
