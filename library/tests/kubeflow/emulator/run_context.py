"""State that the steps of one run share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from google.protobuf.struct_pb2 import Value

from tests.kubeflow.emulator import uris


@dataclass(frozen=True)
class RunContext:
    """A run, as the root driver creates it (driver/root_dag.go:84).

    Attributes:
        run_id: The API's id of the run.
        display_name: The name that the user gave it.
        workflow_name: The name of Argo's workflow.
        pipeline_name: The pipeline's name.
        root: The URI below which the run's artifacts lie (metadata/client.go:420).
        bucket: The bucket and folder of `root`, which no output may leave.
        created_at: When it was created, RFC 3339 in UTC.
        dag_execution_id: The execution of the root DAG in the metadata store.
        parameters: The root's parameters.
    """

    run_id: str
    display_name: str
    workflow_name: str
    pipeline_name: str
    root: str
    bucket: uris.Bucket
    created_at: str
    dag_execution_id: int
    parameters: Mapping[str, Value]
