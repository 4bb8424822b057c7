"""Packages of a few scripts, written as TFX writes its own, for tests of the emulator."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from tests.kubeflow.emulator.run import Run

MODEL = {"instanceSchema": "title: tfx.Model\ntype: object\n"}
# In front of each script: what the launcher said, and how to answer it.
PREAMBLE = """
import json, os, sys
given = json.loads(sys.argv[1])
values = given["inputs"].get("parameterValues", {})
def folder(uri):
    scheme, rest = uri.split("://")
    scheme = {"gs": "gcs"}.get(scheme, scheme)
    return os.path.join(os.environ["PIPELINE_LAUNCHER_ROOT"], scheme, rest)
def source(key): return given["inputs"]["artifacts"][key]["artifacts"][0]
def target(key): return given["outputs"]["artifacts"][key]["artifacts"][0]
def answer(artifacts=None, **more):
    body = {"artifacts": {key: {"artifacts": [found]} for key, found in (artifacts or {}).items()}}
    with open(given["outputs"]["outputFile"], "w") as file:
        json.dump(body | more, file)
"""
# A script that shows what it was given; `shown` reads it from the log.
SHOW = 'print("GIVEN", json.dumps(given))'


@dataclass(frozen=True)
class Script:
    """A task that runs a script of Python.

    Attributes:
        code: The script; PREAMBLE stands in front of it.
        constants: Inputs that are constants.
        inputs: Inputs that are inputs of the root.
        sources: Input artifacts: key -> (task, output key).
        makes: Keys of output artifacts.
        gives: Output parameters: name -> type.
        types: Types of input parameters; STRING if not named.
        task, container, component: What is laid over the JSON of the three.
    """

    code: str = ""
    constants: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)
    sources: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    makes: Sequence[str] = ()
    gives: Mapping[str, str] = field(default_factory=dict)
    types: Mapping[str, Any] = field(default_factory=dict)
    task: Mapping[str, Any] = field(default_factory=dict)
    container: Mapping[str, Any] = field(default_factory=dict)
    component: Mapping[str, Any] = field(default_factory=dict)


def spec_of(
    tasks: Mapping[str, Script], root: Mapping[str, Any] | None = None, name: str = "small"
) -> dict[str, Any]:
    """The pipeline spec of some scripts; `root` are the declarations of the root's inputs."""
    spec: dict[str, Any] = {
        "schemaVersion": "2.1.0",
        "sdkVersion": "tfx-1.21.0",
        "pipelineInfo": {"name": name},
        "root": {"dag": {"tasks": {key: _task(key, script) for key, script in tasks.items()}}},
        "components": {key: _component(key, script) for key, script in tasks.items()},
        "deploymentSpec": {
            "executors": {f"{key}_executor": _executor(script) for key, script in tasks.items()}
        },
    }
    if root:
        spec["root"]["inputDefinitions"] = {"parameters": dict(root)}
    return spec


def text_of(spec: Mapping[str, Any], kubernetes: Mapping[str, Any] | None = None) -> str:
    """A package; `kubernetes` are settings by executor label, the second document."""
    documents = [dict(spec)]
    if kubernetes is not None:
        executors = {"kubernetes": {"deploymentSpec": {"executors": dict(kubernetes)}}}
        documents.append({"platforms": executors})
    # Through JSON, so that nothing in it is an alias of another part.
    return yaml.safe_dump_all(json.loads(json.dumps(documents)))


def shown(run: Run, task: str = "A") -> dict[str, Any]:
    """The executor input of a task that ran SHOW."""
    lines = [line for line in run.log(task).splitlines() if line.startswith("GIVEN ")]
    return json.loads(lines[0].removeprefix("GIVEN "))


def _task(key: str, script: Script) -> dict[str, Any]:
    parameters: dict[str, Any] = {
        name: {"runtimeValue": {"constant": value}} for name, value in script.constants.items()
    }
    parameters |= {name: {"componentInputParameter": of} for name, of in script.inputs.items()}
    artifacts = {
        name: {"taskOutputArtifact": {"producerTask": task, "outputArtifactKey": output}}
        for name, (task, output) in script.sources.items()
    }
    task = {
        "taskInfo": {"name": key},
        "componentRef": {"name": key},
        "inputs": {"parameters": parameters, "artifacts": artifacts},
        "dependentTasks": [task for task, _ in script.sources.values()],
    }
    return task | dict(script.task)


def _component(key: str, script: Script) -> dict[str, Any]:
    def declared(name: str) -> dict[str, Any]:
        found = script.types.get(name, "STRING")
        return {"parameterType": found} if isinstance(found, str) else dict(found)

    names = [*script.constants, *script.inputs, *script.types]
    component = {
        "executorLabel": f"{key}_executor",
        "inputDefinitions": {
            "parameters": {name: declared(name) for name in dict.fromkeys(names)},
            "artifacts": {name: {"artifactType": MODEL} for name in script.sources},
        },
        "outputDefinitions": {
            "artifacts": {name: {"artifactType": MODEL} for name in script.makes},
            "parameters": {name: {"parameterType": found} for name, found in script.gives.items()},
        },
    }
    return component | dict(script.component)


def _executor(script: Script) -> dict[str, Any]:
    container = {
        "image": "registry.example.com/small:1",
        "command": ["python", "-c", PREAMBLE + textwrap.dedent(script.code)],
        "args": ["{{$}}"],
    }
    return {"container": container | dict(script.container)}
