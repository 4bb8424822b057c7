"""What is too long for one argument of a process, or too big for one object of Kubernetes."""

from __future__ import annotations

import json
from collections.abc import Iterator

from google.protobuf import json_format
from google.protobuf.message import Message
from kfp.pipeline_spec import pipeline_spec_pb2 as pb

from tfxkit.kubeflow.checks.view import Task, View

# Linux, execve(2): MAX_ARG_STRLEN, 32 pages of 4 KiB, the ending zero included. It holds for each
# argument and for each `NAME=value` of the environment.
LONGEST_ARGUMENT = 32 * 4096 - 1
# etcd takes requests of 1.5 MiB, and Argo writes the state of each step into the same object.
BIGGEST_WORKFLOW = 1 << 20
_ADDRESS_BYTES = 400  # of one artifact: its address, name, type and the store's own properties


def arguments(view: View) -> Iterator[str]:
    """The whole input of a step is one argument, and that must not be too long.

    It is one of the launcher's (v2/driver/driver.go:326), and stands in the step's own command in
    place of `{{$}}` (v2/component/launcher_v2.go:1067). The driver gets component, task and
    container as one argument each (v2/compiler/argocompiler/container.go:199-204). Beyond the limit
    no process starts: "argument list too long".
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
        for what, length in lengths.items():
            if length > LONGEST_ARGUMENT:
                yield (
                    f"{task.name}: {what} would be an argument of {length:,} bytes, and Linux "
                    f"takes {LONGEST_ARGUMENT:,}: keep long texts in a file of the image or the "
                    "object store, and hand over its path."
                )


def workflow(view: View) -> Iterator[str]:
    """All of a package is written into one workflow object: v2/compiler/argocompiler/argo.go:400.

    The pipeline's tasks are in it twice, once with the root component (dag.go:45).
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


def _executor_input_length(task: Task, component: pb.ComponentSpec) -> int:
    """The length of the ExecutorInput in JSON, estimated from constants and defaults."""
    values = {name: json_format.MessageToDict(value) for name, value in task.values().items()}
    definitions = component.output_definitions.artifacts
    outputs = sum(_length(artifact) + _ADDRESS_BYTES for artifact in definitions.values())
    inputs = len(task.spec.inputs.artifacts) * _ADDRESS_BYTES
    return len(json.dumps(values).encode()) + inputs + outputs


def _length(message: Message) -> int:
    return len(_text(message).encode())


def _text(message: Message) -> str:
    return json_format.MessageToJson(message, indent=None)
