"""Names that a backend, or what it stands on, does not take."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tfxkit.kubeflow.checks.view import ROOT, View

_KUBERNETES_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
_VERTEX_JOB_ID = re.compile(r"[a-z][-a-z0-9]{0,127}")
_TIMESTAMP = len("-20260101000000")  # what the client appends to make a job's id
_ARGO_NAME = re.compile(r"[a-zA-Z][-a-zA-Z0-9]*")
_ARGO_LENGTH = 128
_DRIVER = "-driver"


def kubernetes_pipeline_name(view: View) -> Iterator[str]:
    """The pipeline's name becomes the workflow's: v2/compiler/argocompiler/argo.go:156.

    The API server's own check (apiserver/template/v2_template.go:236) is not anchored and lets
    nearly everything pass; Kubernetes then refuses the workflow.
    """
    name = view.spec.pipeline_info.name
    if not _KUBERNETES_NAME.fullmatch(name.rpartition("/")[2]):
        yield (
            f"The pipeline's name {name!r} cannot name a Kubernetes object: use lower case "
            "letters, digits and '-' only (key pipeline of the configuration)."
        )


def vertex_pipeline_name(view: View) -> Iterator[str]:
    """Vertex's client makes the job's id of the name and the time.

    google-cloud-aiplatform 1.165.1, aiplatform/pipeline_jobs.py:271 and constants/pipeline.py.
    """
    name = view.spec.pipeline_info.name
    if not _VERTEX_JOB_ID.fullmatch(name) or len(name) + _TIMESTAMP > _ARGO_LENGTH:
        yield (
            f"The pipeline's name {name!r} cannot begin a job id on Vertex: begin with a lower "
            "case letter, use lower case letters, digits and '-' only, at most "
            f"{_ARGO_LENGTH - _TIMESTAMP} characters (key pipeline of the configuration)."
        )


def argo_task_names(view: View) -> Iterator[str]:
    """Task names become names of Argo tasks, which take no `_` and no `.`.

    argo-workflows 4.1.2, workflow/validate/validate.go:1711 and :1459 (form, length, no digit at
    the beginning), called when a run is created: apiserver/resource/resource_manager.go:673. Names
    of DAG components become names of templates under the same rule.
    """
    for task in view.tasks:
        if not _ARGO_NAME.fullmatch(task.name) or len(task.name) + len(_DRIVER) > _ARGO_LENGTH:
            yield (
                f"{task.name}: Argo takes letters, digits and '-' only in the name of a task, a "
                f"letter first, at most {_ARGO_LENGTH - len(_DRIVER)} characters: give the step "
                f"another id{_resolver_hint(task.name)}."
            )
    for name in view.dags():
        if name != ROOT and not _ARGO_NAME.fullmatch(name):
            yield (
                f"{name}: this group of steps becomes an Argo template, whose name takes letters, "
                "digits and '-' only: rename the component."
            )


def driver_names(view: View) -> Iterator[str]:
    """A task X brings an Argo task X-driver with it: v2/compiler/argocompiler/dag.go:293."""
    for dag in view.dags().values():
        for name in dag.tasks:
            if name.endswith(_DRIVER) and name.removesuffix(_DRIVER) in dag.tasks:
                yield (
                    f"{name}: Kubeflow Pipelines needs this name for the driver of "
                    f"{name.removesuffix(_DRIVER)}: give the step another id."
                )


def _resolver_hint(name: str) -> str:
    return " (TFX names the parts of a Resolver so)" if "resolver" in name else ""
