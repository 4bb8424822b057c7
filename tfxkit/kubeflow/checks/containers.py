"""Container images and what is started in them."""

from __future__ import annotations

from collections.abc import Iterator

from tfxkit.kubeflow.checks.view import View

STOCK_MODULE = "tfx.orchestration.kubeflow.v2.container.kubeflow_v2_run_executor"
OUR_MODULE = "tfxkit.kubeflow.entrypoint"
_OLD_IMAGE_POLICIES = ("IfNotPresent", "Never")


def images(view: View) -> Iterator[str]:
    """A container needs an image, and `latest` must not be taken from a node's own store.

    Kubernetes pulls `latest` each time unless the package says otherwise, which is handed on
    (v2/driver/k8s.go:190); then nodes run whatever version they pulled first.
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
        elif _moves(image) and policy in _OLD_IMAGE_POLICIES:
            yield (
                f"{task.name}: its image {image} has no tag that stays, and imagePullPolicy "
                f"{policy} lets a node run an old one without a word: give the image a tag, or set "
                "the policy to Always."
            )


def commands(view: View) -> Iterator[str]:
    """The image's own ENTRYPOINT is not used: v2/driver/driver.go:307-324 runs command and args."""
    for task in view.tasks:
        if task.container is not None and not task.container.command:
            yield (
                f"{task.name}: its container has no command, and open-source Kubeflow Pipelines "
                "does not use the image's ENTRYPOINT: set command."
            )


def stock_entrypoint(view: View) -> Iterator[str]:
    """TFX's own entrypoint understands Vertex's messages only.

    It parses the type of each input artifact, which the driver leaves empty
    (v2/metadata/client.go:1144), and of the output `executor-logs`, which the driver adds
    (v2/driver/driver.go:755-767); and it opens `minio://` and `s3://` addresses itself, where the
    launcher wants files below /minio and /s3 (v2/component/launcher_v2.go:1239).
    """
    for task in view.tasks:
        if STOCK_MODULE in task.arguments():
            yield (
                f"{task.name}: it starts TFX's own entrypoint, which fails on open-source Kubeflow "
                "Pipelines (types of inputs are empty, executor-logs is unknown to it): compile "
                f"with default_commands=['python', '-m', '{OUR_MODULE}'], in an image that has it."
            )


def lifecycle(view: View) -> Iterator[str]:
    """Nothing in the backend reads `lifecycle`, so this hook never runs."""
    for task in view.tasks:
        if task.container is not None and task.container.lifecycle.pre_cache_check.command:
            yield (
                f"{task.name}: lifecycle.preCacheCheck never runs on open-source Kubeflow "
                "Pipelines, so spans stay unresolved: take it out and resolve them in the "
                f"container, as {OUR_MODULE} does."
            )


def infra_validator(view: View) -> Iterator[str]:
    """TFX's InfraValidator starts model servers in Docker, which no pod has.

    TFX itself does not compile it (tfx 1.21, orchestration/kubeflow/v2/step_builder.py:446).
    """
    for task in view.tasks:
        if any("tfx.components.infra_validator" in argument for argument in task.arguments()):
            yield (
                f"{task.name}: TFX's InfraValidator needs Docker, which a pod does not have: use "
                "ServingCheck."
            )


def _moves(image: str) -> bool:
    """Whether a name stands for whatever was pushed last."""
    if "@" in image:
        return False
    tag = image.rpartition("/")[2].partition(":")[2]
    return tag in ("", "latest")
