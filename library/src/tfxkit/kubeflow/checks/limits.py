"""Limits of the backends: names, stores, sizes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from google.protobuf import json_format
from google.protobuf.message import Message
from kfp.pipeline_spec import pipeline_spec_pb2 as pb

from tfxkit.kubeflow.package import ROOT, PackageTask, PackageView

_KUBERNETES_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
_VERTEX_JOB_ID = re.compile(r"[a-z][-a-z0-9]{0,127}")
_TIMESTAMP = len("-20260101000000")  # appended by the client to make a job's id
_ARGO_NAME = re.compile(r"[a-zA-Z][-a-zA-Z0-9]*")
_ARGO_LENGTH = 128
_DRIVER_SUFFIX = "-driver"
_LAUNCHER_SCHEMES = ("gs", "s3", "minio")
_ADDRESS = re.compile(r"([a-z][a-z0-9]+)://[^/?]+(/[^?]*)?(\?.+)?")
# Linux, execve(2): MAX_ARG_STRLEN, 32 pages of 4 KiB, the ending zero included. It limits each
# argument and each `NAME=value` of the environment.
LONGEST_ARGUMENT = 32 * 4096 - 1
# etcd takes requests of 1.5 MiB, and Argo keeps the state of each step in the same object.
BIGGEST_WORKFLOW = 1 << 20
_ADDRESS_BYTES = 400  # of one artifact: its address, name, type and the store's own properties


def kubernetes_pipeline_name(view: PackageView) -> Iterator[str]:
    """Pipeline names that cannot name the workflow: v2/compiler/argocompiler/argo.go:156.

    The API server's own check (apiserver/template/v2_template.go:236) is not anchored and
    accepts nearly everything; Kubernetes then refuses the workflow.
    """
    name = view.spec.pipeline_info.name
    if not _KUBERNETES_NAME.fullmatch(name.rpartition("/")[2]):
        yield (
            f"The pipeline's name {name!r} cannot name a Kubernetes object: use lower case "
            "letters, digits and '-' only (key pipeline of the configuration)."
        )


def vertex_pipeline_name(view: PackageView) -> Iterator[str]:
    """Pipeline names that cannot begin a job's id, which Vertex's client makes of name and time.

    google-cloud-aiplatform 1.165.1, aiplatform/pipeline_jobs.py:271 and constants/pipeline.py.
    """
    name = view.spec.pipeline_info.name
    if not _VERTEX_JOB_ID.fullmatch(name) or len(name) + _TIMESTAMP > _ARGO_LENGTH:
        yield (
            f"The pipeline's name {name!r} cannot begin a job id on Vertex: begin with a lower "
            "case letter, use lower case letters, digits and '-' only, at most "
            f"{_ARGO_LENGTH - _TIMESTAMP} characters (key pipeline of the configuration)."
        )


def argo_task_names(view: PackageView) -> Iterator[str]:
    """Task names that Argo refuses: its tasks take no `_` and no `.`.

    argo-workflows 4.1.2, workflow/validate/validate.go:1711 and :1459 (form, length, no digit at
    the beginning), called when a run is created: apiserver/resource/resource_manager.go:673. Names
    of DAG components become names of templates under the same rule.
    """
    for task in view.tasks:
        if (
            not _ARGO_NAME.fullmatch(task.name)
            or len(task.name) + len(_DRIVER_SUFFIX) > _ARGO_LENGTH
        ):
            yield (
                f"{task.name}: Argo takes letters, digits and '-' only in the name of a task, a "
                f"letter first, at most {_ARGO_LENGTH - len(_DRIVER_SUFFIX)} characters: give the "
                f"step another id{_resolver_hint(task.name)}."
            )
    for name in view.dags():
        if name != ROOT and not _ARGO_NAME.fullmatch(name):
            yield (
                f"{name}: this group of steps becomes an Argo template, whose name takes letters, "
                "digits and '-' only: rename the component."
            )


def driver_names(view: PackageView) -> Iterator[str]:
    """Tasks X-driver beside X, whose driver has that name: v2/compiler/argocompiler/dag.go:293."""
    for dag in view.dags().values():
        for name in dag.tasks:
            if name.endswith(_DRIVER_SUFFIX) and name.removesuffix(_DRIVER_SUFFIX) in dag.tasks:
                yield (
                    f"{name}: Kubeflow Pipelines needs this name for the driver of "
                    f"{name.removesuffix(_DRIVER_SUFFIX)}: give the step another id."
                )


def launcher_root(view: PackageView) -> Iterator[str]:
    """Pipeline roots that the launcher cannot write to: v2/objectstore/config.go:118 and :137.

    Other stores fail at each step with an output (v2/component/launcher_v2.go:1239-1252). Without
    a root the server's own default is taken (v2/driver/root_dag.go:112), which is fine.
    """
    root = view.spec.default_pipeline_root
    match = _ADDRESS.fullmatch(root)
    if root and (match is None or match[1] not in _LAUNCHER_SCHEMES):
        yield (
            f"The pipeline root {root!r} is no address that the launcher can write to: use gs://, "
            "s3:// or minio:// and a bucket (key pipeline_root)."
        )


def vertex_root(view: PackageView) -> Iterator[str]:
    """Pipeline roots outside Cloud Storage: Vertex's request has a `gcs_output_directory`."""
    root = view.spec.default_pipeline_root
    if not re.fullmatch(r"gs://[^/?]+(/.*)?", root):
        yield (
            f"The pipeline root {root!r} is not in Cloud Storage, where Vertex keeps artifacts: "
            "set gs:// and a bucket of yours (key pipeline_root)."
        )


def argument_lengths(view: PackageView) -> Iterator[str]:
    """Inputs of a step beyond the length of one argument.

    All of a step's input is one argument of the launcher (v2/driver/driver.go:326), and replaces
    `{{$}}` in the step's own command (v2/component/launcher_v2.go:1067). The driver
    gets component, task and container as one argument each
    (v2/compiler/argocompiler/container.go:199-204). Beyond the limit no process starts: "argument
    list too long".
    """
    for task in view.tasks:
        if task.component is None or task.container is None:
            continue
        lengths = {
            "its parameters and artifacts": _executor_input_length(task, task.component),
            "its component": _length(task.component),
            "its container": _length(task.container),
            "its task": _length(task.spec),
        }
        for variable in task.container.env:
            lengths[f"the variable {variable.name}"] = len(f"{variable.name}={variable.value}")
        for subject, length in lengths.items():
            if length > LONGEST_ARGUMENT:
                yield (
                    f"{task.name}: {subject} would be an argument of {length:,} bytes, and Linux "
                    f"takes {LONGEST_ARGUMENT:,}: keep long texts in a file of the image or the "
                    "object store, and hand over its path."
                )


def workflow_size(view: PackageView) -> Iterator[str]:
    """Packages beyond the size of one workflow object: v2/compiler/argocompiler/argo.go:400.

    The object holds the pipeline's tasks twice, once in the root component (dag.go:45).
    """
    texts = [_text(view.spec.root)]
    texts += [_text(component) for component in view.spec.components.values()]
    texts += [_text(executor.container) for executor in view.deployment.executors.values()]
    texts += [_text(task.spec) for task in view.tasks]
    texts.append(json.dumps(view.raw_platform or {}))
    # Each text is a string inside a document in JSON, so its quotes are escaped once more.
    size = sum(len(json.dumps(text)) for text in texts)
    if size > BIGGEST_WORKFLOW:
        yield (
            f"The package becomes a workflow of about {size / (1 << 20):.1f} MiB, and Kubernetes "
            "takes little more than 1 MiB: keep long texts out of parameters and environment."
        )


def _resolver_hint(name: str) -> str:
    return " (TFX names the parts of a Resolver so)" if "resolver" in name else ""


def _executor_input_length(task: PackageTask, component: pb.ComponentSpec) -> int:
    """Length of the ExecutorInput in JSON, estimated from constants and defaults."""
    values = {name: json_format.MessageToDict(value) for name, value in task.values().items()}
    definitions = component.output_definitions.artifacts
    outputs = sum(_length(artifact) + _ADDRESS_BYTES for artifact in definitions.values())
    inputs = len(task.spec.inputs.artifacts) * _ADDRESS_BYTES
    return len(json.dumps(values).encode()) + inputs + outputs


def _length(message: Message) -> int:
    return len(_text(message).encode())


def _text(message: Message) -> str:
    return json_format.MessageToJson(message, indent=None)
