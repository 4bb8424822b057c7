"""What became of a run's steps, from what the API reports: the nodes of Argo's workflow."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import kfp_server_api

from tfxkit.kubeflow.remote_run import RemoteStep
from tfxkit.runs.summary import State

_STATES = {"SUCCEEDED": State.RUN, "SKIPPED": State.SKIPPED, "FAILED": State.FAILED}
_CACHED_WITHIN_S = 2


@dataclasses.dataclass(frozen=True)
class Nodes:
    """The nodes of a run.

    A step X is several: `X-driver` prepares it, `X` is it, and in that is an `executor`, which is
    skipped if the cache had the outputs. The API does not say whose executor one is, nor why a node
    failed (kubeflow/pipelines 2.17, apiserver/server/api_converter.go:1875-1931).
    """

    details: Sequence[kfp_server_api.V2beta1PipelineTaskDetail]

    def step(self, name: str, over: bool) -> RemoteStep:
        """A step as its nodes say; after the end of the run, one that has none was not reached."""
        node, driver = self._find(name), self._find(f"{name}-driver")
        if driver is not None and driver.state == "FAILED":
            error = "its driver failed, before the step itself was started"
            return RemoteStep(name, State.FAILED, seconds=_seconds(driver), error=error)
        if node is not None and node.state in _STATES:
            state = State.CACHED if self._is_cached(node) else _STATES[node.state]
            error = node.error.message if node.error and node.error.message else ""
            return RemoteStep(name, state, seconds=_seconds(node), error=error)
        if over:
            return RemoteStep(name, State.SKIPPED)
        begun = any(one is not None and one.state for one in (node, driver))
        return RemoteStep(name, running=begun)

    def _find(self, name: str) -> kfp_server_api.V2beta1PipelineTaskDetail | None:
        return next((one for one in self.details if one.display_name == name), None)

    def _is_cached(self, node: kfp_server_api.V2beta1PipelineTaskDetail) -> bool:
        return (
            node.state == "SUCCEEDED"
            and _seconds(node) <= _CACHED_WITHIN_S
            and any(
                one.display_name == "executor"
                and one.state == "SKIPPED"
                and node.start_time <= one.start_time <= node.end_time
                for one in self.details
            )
        )


def _seconds(node: kfp_server_api.V2beta1PipelineTaskDetail) -> float:
    """How long a node took; what has not ended is reported with a time at the beginning of eras."""
    if node.end_time is None or node.start_time is None:
        return 0.0
    return max(0.0, (node.end_time - node.start_time).total_seconds())
