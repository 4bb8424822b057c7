"""Containers of the steps: image, command, user code, caching."""

from __future__ import annotations

import re
from collections.abc import Iterator

from google.protobuf import json_format

from tfxkit.kubeflow.container import ENTRYPOINT
from tfxkit.kubeflow.package import PackageTask, PackageView

_STOCK_ENTRYPOINT = "tfx.orchestration.kubeflow.v2.container.kubeflow_v2_run_executor"
_OLD_IMAGE_POLICIES = ("IfNotPresent", "Never")
_EXPANDED = re.compile(r"\$\(([A-Za-z_][\w.-]*)\)")
_KFP_VARIABLES = ("KFP_POD_NAME", "KFP_POD_UID")  # in every container
_PLACEHOLDER = re.compile(r"\{\{\$\.inputs\.parameters\['(.+?)'\]\}\}")
_VALUE_PLACEHOLDER = re.compile(r"\{\{\$\.inputs\.artifacts\['(.+?)'\]\.value\}\}")
# Step -> a dependency besides its parameters and input artifacts.
_UNSEEN = {
    "ExampleGen": "the data in its folder",
    "Baseline": "the model that is being served",
    "Pusher": "what is in the serving folder",
}
# Package of the executor, ours or TFX's -> step.
_STEP_OF_PACKAGE = {
    "example_gen": "ExampleGen",
    "baseline": "Baseline",
    "pusher": "Pusher",
}
_EXECUTOR_FLAG = "--executor_class_path"


def images(view: PackageView) -> Iterator[str]:
    """Missing images, and images without a fixed tag that a node takes from its own store.

    Kubernetes pulls `latest` each time unless the package has another policy, which is passed on
    (v2/driver/k8s.go:190); then each node runs the version that it pulled first.
    """
    settings = view.platform_settings()
    for task in view.tasks:
        if task.container is None or task.component is None:
            continue
        image = task.container.image
        own = settings.get(task.component.executor_label)
        policy = own.get("imagePullPolicy") if isinstance(own, dict) else None
        if not image:
            yield f"{task.name}: its container has no image: set the key image."
        elif _is_moving(image) and policy in _OLD_IMAGE_POLICIES:
            yield (
                f"{task.name}: its image {image} has no tag that stays, and imagePullPolicy "
                f"{policy} silently lets a node run an old one: give the image a tag, or set "
                "the policy to Always."
            )


def commands(view: PackageView) -> Iterator[str]:
    """Missing commands: v2/driver/driver.go:307-324 runs command and args, not the ENTRYPOINT."""
    for task in view.tasks:
        if task.container is not None and not task.container.command:
            yield (
                f"{task.name}: its container has no command, and open-source Kubeflow Pipelines "
                "does not use the image's ENTRYPOINT: set command."
            )


def stock_entrypoint(view: PackageView) -> Iterator[str]:
    """TFX's own entrypoint, which understands Vertex's messages only.

    It parses the type of each input artifact, which the driver leaves empty
    (v2/metadata/client.go:1144), and of the output `executor-logs`, which the driver adds
    (v2/driver/driver.go:755-767); and it opens `minio://` and `s3://` addresses itself, where the
    launcher expects files below /minio and /s3 (v2/component/launcher_v2.go:1239).
    """
    for task in view.tasks:
        if _STOCK_ENTRYPOINT in task.arguments():
            yield (
                f"{task.name}: it starts TFX's own entrypoint, which fails on open-source Kubeflow "
                "Pipelines (types of inputs are empty, executor-logs is unknown to it): compile "
                f"with default_commands=['python', '-m', '{ENTRYPOINT}'], in an image that has it."
            )


def lifecycle(view: PackageView) -> Iterator[str]:
    """Hooks in `lifecycle`, which nothing in the backend reads, so they never run."""
    for task in view.tasks:
        if task.container is not None and task.container.lifecycle.pre_cache_check.command:
            yield (
                f"{task.name}: lifecycle.preCacheCheck never runs on open-source Kubeflow "
                "Pipelines, so spans stay unresolved: take it out and resolve them in the "
                f"container, as {ENTRYPOINT} does."
            )


def infra_validator(view: PackageView) -> Iterator[str]:
    """TFX's InfraValidator, which starts model servers in Docker, and no pod has Docker.

    TFX itself does not compile it (tfx 1.21, orchestration/kubeflow/v2/step_builder.py:446).
    """
    for task in view.tasks:
        if any("tfx.components.infra_validator" in argument for argument in task.arguments()):
            yield (
                f"{task.name}: TFX's InfraValidator needs Docker, which a pod does not have: use "
                "ServingCheck."
            )


def expansions(view: PackageView) -> Iterator[str]:
    """`$(NAME)` and `$$`, which Kubernetes rewrites in a command.

    All parameters are part of the launcher's command (v2/driver/driver.go:320-327), and there
    `$$` becomes `$`, and `$(NAME)` the value of the container's variable, if it exists.
    """
    for task in view.tasks:
        if task.container is None:
            continue
        variables = {*_KFP_VARIABLES, *(variable.name for variable in task.container.env)}
        texts = {name: json_format.MessageToJson(value) for name, value in task.values().items()}
        texts["command"] = "\n".join(task.arguments())
        for name, text in texts.items():
            replaced = [match[0] for match in _EXPANDED.finditer(text) if match[1] in variables]
            if "$$" in text:
                replaced.append("$$")
            if replaced:
                yield (
                    f"{task.name}: its {name} has {', '.join(replaced)} in it, which Kubernetes "
                    "would replace silently: write it in another way."
                )


def placeholders(view: PackageView) -> Iterator[str]:
    """Placeholders of parameters that the task does not have: v2/driver/util.go:174-176.

    `{{$.json_escape[1]}}`, written by older versions of TFX, works on Vertex only.
    """
    for task in view.tasks:
        arguments = "\n".join(task.arguments())
        declared = task.component.input_definitions.parameters if task.component else {}
        known = {*task.spec.inputs.parameters, *declared}
        for name in sorted(set(_PLACEHOLDER.findall(arguments)) - known):
            yield (
                f"{task.name}: its command uses the parameter {name!r}, which it does not "
                "have: declare it and pass a value, or remove the placeholder."
            )
        if match := _VALUE_PLACEHOLDER.search(arguments):
            yield (
                f"{task.name}: its command uses the value of the artifact {match[1]!r}, which "
                "open-source Kubeflow Pipelines does not fill in: read the file at its address."
            )
        if "{{$.json_escape" in arguments:
            yield (
                f"{task.name}: its command has the placeholder {{{{$.json_escape[1]}}}}, which "
                "open-source Kubeflow Pipelines does not support: compile with TFX 1.21 or newer."
            )


def wheels(view: PackageView) -> Iterator[str]:
    """User code as a wheel, which TFX builds from `module_file` below the root when it compiles.

    tfx 1.21, components/base/base_component.py:209; the step then installs the wheel with pip,
    which cannot read s3:// or minio:// addresses.
    """
    for task in view.tasks:
        for name, parameter in sorted(task.spec.inputs.parameters.items()):
            value = parameter.runtime_value.constant.string_value
            if name == "module_path" and value.endswith(".whl"):
                yield (
                    f"{task.name}: its user code is a wheel ({value.rpartition('@')[2]}) that TFX "
                    "built from module_file: name the function instead (run_fn='package.module.fn')"
                    " and have the module in the image."
                )


def blind_cache_keys(view: PackageView) -> Iterator[str]:
    """Caching of steps whose result depends on more than the cache key.

    The key holds parameters, names of input artifacts, command and image, but no data:
    v2/cacheutils/cache.go:173-228. The task switches the cache on: v2/driver/container.go:217. On
    Vertex TFX's hook before the cache puts the fingerprint of ExampleGen's data into the key.
    """
    for task in view.tasks:
        step = _step_of(task)
        if step is None or not task.spec.caching_options.enable_cache:
            continue
        hook = task.container is not None and task.container.lifecycle.pre_cache_check.command
        if view.target == "vertex" and step == "ExampleGen" and hook:
            continue
        yield (
            f"{task.name}: caching is on, and the cache does not see {_UNSEEN[step]}, so an old "
            "result would be taken for the new one: leave cachingOptions.enableCache out for this "
            "step."
        )


def _is_moving(image: str) -> bool:
    """True for an image without a digest or a tag other than `latest`."""
    if "@" in image:
        return False
    tag = image.rpartition("/")[2].partition(":")[2]
    return tag in ("", "latest")


def _step_of(task: PackageTask) -> str | None:
    """Key of `_UNSEEN`: from the package of the executor, else from the name of the task."""
    arguments = task.arguments()
    if _EXECUTOR_FLAG not in arguments[:-1]:
        return next((step for step in _UNSEEN if task.name.endswith(step)), None)
    packages = arguments[arguments.index(_EXECUTOR_FLAG) + 1].split(".")
    return next((step for package, step in _STEP_OF_PACKAGE.items() if package in packages), None)
