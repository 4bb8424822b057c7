"""Resources of the steps, and the platform document with their settings on Kubernetes.

Much of that document fails silently.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2 as pb
from kubernetes.utils.quantity import parse_quantity

from tfxkit.kubeflow.package import PackageView

_FIELDS = {
    "CPU": ("resource_cpu_request", "resource_cpu_limit"),
    "memory": ("resource_memory_request", "resource_memory_limit"),
}
_KUBERNETES_RESOURCE = re.compile(r"[a-z0-9][-a-z0-9.]*/[A-Za-z0-9][-\w.]*")
_VERTEX_ACCELERATOR = re.compile(r"(NVIDIA|TPU)_[A-Z0-9_]+")
_PULL_POLICIES = ("Always", "Never", "IfNotPresent")


def quantities(view: PackageView) -> Iterator[str]:
    """CPU and memory that are no quantities, or requests above limits: v2/driver/driver.go:191."""
    for task in view.tasks:
        if task.container is None:
            continue
        for resource, fields in _FIELDS.items():
            texts = [getattr(task.container.resources, field) for field in fields]
            amounts = [_amount(text) for text in texts]
            for text, amount in zip(texts, amounts, strict=True):
                if text and amount is None:
                    yield (
                        f"{task.name}: {resource} {text!r} is no quantity of Kubernetes: write it "
                        "as 500m or 2 (CPU), 512Mi or 4Gi (memory)."
                    )
            request, limit = amounts
            if request is not None and limit is not None and request > limit:
                yield (
                    f"{task.name}: it requests {texts[0]} of {resource}, more than its limit "
                    f"{texts[1]}, and Kubernetes refuses the pod: raise the limit."
                )


def kubernetes_accelerators(view: PackageView) -> Iterator[str]:
    """Accelerators that are no resource, or lack a count: v2/driver/driver.go:415-446."""
    for task, accelerator, count in _accelerators(view):
        is_constant = accelerator and "{{$" not in accelerator
        if is_constant and not _KUBERNETES_RESOURCE.fullmatch(accelerator):
            yield (
                f"{task}: the accelerator {accelerator!r} is no resource of Kubernetes: write it "
                "as the device plugin calls it, such as nvidia.com/gpu, and choose the model by "
                "node_selector."
            )
        if bool(accelerator) != bool(count):
            yield (
                f"{task}: its accelerator lacks {'a count' if accelerator else 'a type'} and would "
                "be ignored silently: give both."
            )


def vertex_accelerators(view: PackageView) -> Iterator[str]:
    """Accelerators without a name of Vertex: `AcceleratorType`, google.cloud.aiplatform_v1."""
    for task, accelerator, count in _accelerators(view):
        if not _VERTEX_ACCELERATOR.fullmatch(accelerator) or not count:
            yield (
                f"{task}: Vertex has no accelerator {accelerator!r} with count "
                f"{count or 0}: name it as Vertex does, such as NVIDIA_TESLA_T4, and give a count."
            )


def platform_document(view: PackageView) -> Iterator[str]:
    """Documents that do not parse, or lack `kubernetes`: the backend drops them silently.

    apiserver/template/v2_template.go:244 and :428-439.
    """
    if view.raw_platform is None:
        return
    try:
        document = json_format.ParseDict(dict(view.raw_platform), pb.PlatformSpec())
    except json_format.ParseError as error:
        yield (
            f"The platform document does not hold ({error}), and the backend would silently drop "
            "all of it: correct that field."
        )
        return
    if "kubernetes" not in document.platforms:
        yield (
            "The platform document has no platforms.kubernetes, and the backend would silently "
            "drop it: put the settings there, or leave the document out."
        )


def platform_labels(view: PackageView) -> Iterator[str]:
    """Settings for missing executors, which are ignored: v2/compiler/visitor.go:113-122."""
    for label in view.platform_settings():
        if label not in view.deployment.executors:
            known = ", ".join(sorted(view.deployment.executors))
            yield (
                f"{label}: the platform document has settings for it, but there is no such "
                f"executor, so they would be ignored: use one of {known}."
            )


def platform_settings(view: PackageView) -> Iterator[str]:
    """Settings that do not parse, strictly: v2/compiler/argocompiler/container.go:326.

    The pull policy is checked just before the step runs: v2/driver/k8s.go:176-188.
    """
    from kfp.kubernetes import kubernetes_executor_config_pb2 as kubernetes_pb  # not for Vertex

    for label, settings in view.platform_settings().items():
        try:
            parsed = json_format.ParseDict(settings, kubernetes_pb.KubernetesExecutorConfig())
        except (json_format.ParseError, TypeError) as error:  # the latter if it is a number
            yield (
                f"{label}: its settings in the platform document do not hold ({error}), and the "
                "run would be refused: correct that field."
            )
            continue
        if parsed.image_pull_policy and parsed.image_pull_policy not in _PULL_POLICIES:
            yield (
                f"{label}: imagePullPolicy {parsed.image_pull_policy!r} is not one of "
                f"{', '.join(_PULL_POLICIES)}: correct it."
            )


def platform_on_vertex(view: PackageView) -> Iterator[str]:
    """A second document for Vertex: google-cloud-aiplatform 1.165.1, yaml_utils.py:118."""
    if view.raw_platform is not None:
        yield (
            "The package has a platform document, which is for Kubernetes; Vertex's client fails "
            "to read a file with two documents: compile with --target vertex."
        )


def _accelerators(view: PackageView) -> Iterator[tuple[str, str, str]]:
    """Task, type and count of each requested accelerator."""
    for task in view.tasks:
        if task.container is not None and task.container.resources.HasField("accelerator"):
            request = task.container.resources.accelerator
            count = request.resource_count or (str(request.count) if request.count else "")
            on_vertex = view.target == "vertex"
            name = request.type if on_vertex else request.resource_type or request.type
            yield task.name, name, count


def _amount(text: str) -> Decimal | None:
    """Number of a quantity: 0 for a placeholder, None for an empty or malformed text."""
    if not text or "{{$" in text:
        return Decimal(0) if text else None
    try:
        return parse_quantity(text)
    except ValueError:
        return None
