"""Argo's nodes, which are what the API reports as the tasks of a run.

A task X of the pipeline is several nodes: `X-driver`, `X`, and in X a node `executor`, which has
`executor(0)`, `executor(1)` … in it if the task has a retry policy (argocompiler/dag.go:301-336,
container.go:412). A node that Argo omits has a phase that the API has no name for, so it is
reported without a state (apiserver/model/run.go:97). A node names its children by ids of Argo's,
which the API tells of no node, so nobody can follow them; and the nodes come in the order of those
ids, as good as none (apiserver/server/api_converter.go:1811, 1903).
"""

from __future__ import annotations

import datetime
import threading
import uuid
from dataclasses import dataclass, field
from typing import Any

STATES = {
    "Pending": "PENDING",
    "Running": "RUNNING",
    "Succeeded": "SUCCEEDED",
    "Failed": "FAILED",
    "Error": "FAILED",
    "Skipped": "SKIPPED",
    "Omitted": None,
}


def now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC).replace(microsecond=0)


def timestamp(moment: datetime.datetime | None) -> str:
    """RFC 3339; what has not happened yet is reported as 1970 (api_converter.go:1914)."""
    return (moment or datetime.datetime.fromtimestamp(0, datetime.UTC)).strftime(
        "%Y-%m-%dT%H:%M:%SZ"
    )


@dataclass
class Node:
    """One node of the workflow."""

    id: str
    name: str
    phase: str
    message: str = ""
    task_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    started: datetime.datetime = field(default_factory=now)
    finished: datetime.datetime | None = None
    children: list[str] = field(default_factory=list)

    def to_api(self, run_id: str, created: datetime.datetime) -> dict[str, Any]:
        """The node as V2beta1PipelineTaskDetail (apiserver/server/api_converter.go:1875)."""
        detail = {
            "run_id": run_id,
            "task_id": self.task_id,
            "display_name": self.name,
            "create_time": timestamp(created),
            "start_time": timestamp(self.started),
            "end_time": timestamp(self.finished),
        }
        if STATES[self.phase]:
            detail["state"] = STATES[self.phase]
        if self.children:
            detail["child_tasks"] = [{"pod_name": child} for child in self.children]
        return detail


class Nodes:
    """The nodes of a run; safe to use from several threads.

    Args:
        workflow_name: The name of Argo's workflow, with which their ids begin.
    """

    def __init__(self, workflow_name: str) -> None:
        self._workflow_name = workflow_name
        self._nodes: list[Node] = []
        self._lock = threading.Lock()

    def begin(self, name: str, phase: str = "Running", parent: Node | None = None) -> Node:
        node = Node(f"{self._workflow_name}-{uuid.uuid4().int % 10**10}", name, phase)
        if phase in ("Skipped", "Omitted"):
            node.finished = node.started
        with self._lock:
            self._nodes.append(node)
            if parent is not None:
                parent.children.append(node.id)
        return node

    def end(self, node: Node, phase: str, message: str = "") -> None:
        with self._lock:
            node.phase, node.message, node.finished = phase, message, now()

    def all(self) -> list[Node]:
        """The nodes, in the order in which they began."""
        with self._lock:
            return list(self._nodes)

    def to_api(self, run_id: str, created: datetime.datetime) -> list[dict[str, Any]]:
        """The nodes as the API shows them, in its order."""
        return [
            node.to_api(run_id, created) for node in sorted(self.all(), key=lambda node: node.id)
        ]
