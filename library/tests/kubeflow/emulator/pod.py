"""The driver's second half: the pod that runs a task's container (driver/driver.go:246, k8s.go)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kfp.kubernetes import kubernetes_executor_config_pb2
from kfp.pipeline_spec import pipeline_spec_pb2

from tests.kubeflow.emulator import resources
from tests.kubeflow.emulator.compiler import Task
from tests.kubeflow.emulator.errors import BackendError, NotEmulated, plain_error
from tests.kubeflow.emulator.parameters import text_of
from tests.kubeflow.emulator.run_context import RunContext
from tests.kubeflow.emulator.settings import Settings

INPUT_PARAMETER = re.compile(r"\{\{\$\.inputs\.parameters\['(.+?)']}}")  # driver/util.go:45


@dataclass(frozen=True)
class Pod:
    """A pod, which runs a task.

    Attributes:
        image: The container's image.
        command: Its command and arguments; the launcher fills in what is left to fill in.
        env: Variables of the container spec and of the platform spec.
        mounts: Folders of volume claims, by the path that the container sees.
        claims: The names of those claims.
        scratch: Paths at which there is to be an empty folder.
        deadline_s: Seconds after which Kubernetes kills an attempt, if any.
    """

    image: str
    command: tuple[str, ...]
    env: Mapping[str, str]
    mounts: Mapping[str, Path]
    claims: tuple[str, ...]
    scratch: tuple[str, ...]
    deadline_s: int | None


def make(
    task: Task,
    inputs: pipeline_spec_pb2.ExecutorInput.Inputs,
    run: RunContext,
    settings: Settings,
) -> Pod:
    """The pod of a task.

    Raises:
        BackendError: A resource is no quantity, or a secret or claim is not in the cluster.
    """
    container, config = task.executor.container, task.kubernetes
    resources.check(container.resources)
    if config.image_pull_policy not in ("", "Always", "Never", "IfNotPresent"):  # k8s.go:178
        raise plain_error(
            f"unsupported value: {config.image_pull_policy}. ImagePullPolicy should be one of "
            "'Always', 'Never' or 'IfNotPresent'"
        )
    env: dict[str, str] = {}
    for variable in container.env:
        env[variable.name] = expand(variable.value, env)
    env.update(_variables(config, run, settings))
    mounts = {path: folder for _, path, folder in _claims(config, run, settings)}
    command = [_with_parameters(text, inputs) for text in (*container.command, *container.args)]
    return Pod(
        image=container.image,
        command=tuple(expand(text, env) for text in command),
        env=env,
        mounts=mounts,
        claims=tuple(name for name, _, _ in _claims(config, run, settings)),
        scratch=tuple(mount.mount_path for mount in config.empty_dir_mounts),
        deadline_s=config.active_deadline_seconds or None,  # k8s.go:540
    )


def expand(text: str, env: Mapping[str, str]) -> str:
    """Kubernetes' own expansion: $(NAME) if there is such a variable, and $$ for a dollar."""

    def replace(match: re.Match[str]) -> str:
        return "$" if match[0] == "$$" else env.get(match[1], match[0])

    return re.sub(r"\$\$|\$\(([^)]*)\)", replace, text)


def _with_parameters(text: str, inputs: pipeline_spec_pb2.ExecutorInput.Inputs) -> str:
    """A word of the command, with values of parameters (driver/util.go:263)."""
    if "$.outputs" in text:
        return text
    if text.strip().startswith('{"IfPresent":'):
        raise NotEmulated("IfPresent in a container's arguments")

    def replace(match: re.Match[str]) -> str:
        if match[1] not in inputs.parameter_values:
            raise plain_error(
                "failed to init podSpecPatch: failed to resolve container args: failed to resolve "
                f'input parameters: parameter "{match[1]}" not found in executor input'
            )
        return text_of(inputs.parameter_values[match[1]])

    return INPUT_PARAMETER.sub(replace, text)


def _constant(
    parameter: pipeline_spec_pb2.TaskInputsSpec.InputParameterSpec, run: RunContext
) -> str:
    """A name that the platform spec gives as a parameter (resolve.go:501)."""
    if parameter.WhichOneof("kind") == "component_input_parameter":
        return run.parameters[parameter.component_input_parameter].string_value
    if parameter.WhichOneof("kind") != "runtime_value":
        raise NotEmulated("names of secrets or claims that tasks put out")
    return parameter.runtime_value.constant.string_value


def _variables(
    config: kubernetes_executor_config_pb2.KubernetesExecutorConfig,
    run: RunContext,
    settings: Settings,
) -> Iterator[tuple[str, str]]:
    """Variables from secrets and config maps (k8s.go:347, 443)."""
    for secret in config.secret_as_env:
        name = _name(secret, "secret_name", run)
        for item in secret.key_to_env:
            found = settings.secrets.get(name, {}).get(item.secret_key)
            if _is_there(found, secret.optional, f"{item.secret_key} in Secret {name}"):
                yield item.env_var, found
    for config_map in config.config_map_as_env:
        name = _name(config_map, "config_map_name", run)
        for item in config_map.key_to_env:
            found = settings.config_maps.get(name, {}).get(item.config_map_key)
            if _is_there(found, config_map.optional, f"{item.config_map_key} in ConfigMap {name}"):
                yield item.env_var, found


def _name(reference: Any, field: str, run: RunContext) -> str:
    """The name in a reference; the newer of two ways goes first (k8s.go:366)."""
    if reference.HasField(f"{field}_parameter"):
        return _constant(getattr(reference, f"{field}_parameter"), run)
    if not getattr(reference, field):
        raise plain_error(f"missing either {field} or {field}_parameter in executor config")
    return getattr(reference, field)


def _is_there(found: str | None, optional: bool, what: str) -> bool:
    if found is None and not optional:  # the kubelet's words; a cluster's pod waits forever
        raise BackendError(f"CreateContainerConfigError: couldn't find key {what}")
    return found is not None


def _claims(
    config: kubernetes_executor_config_pb2.KubernetesExecutorConfig,
    run: RunContext,
    settings: Settings,
) -> Iterator[tuple[str, str, Path]]:
    """Name, path and folder of each volume claim (k8s.go:1111)."""
    for mount in config.pvc_mount:
        name = mount.constant
        if mount.HasField("pvc_name_parameter"):
            name = _constant(mount.pvc_name_parameter, run)
        if not name or not mount.mount_path:
            raise plain_error("failed to mount volume, missing mountpath or pvc name")
        if name not in settings.claims:  # the scheduler's words; the pod waits forever
            raise BackendError(f'persistentvolumeclaim "{name}" not found')
        yield name, mount.mount_path, settings.claims[name] / mount.sub_path
