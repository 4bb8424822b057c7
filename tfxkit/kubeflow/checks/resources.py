"""CPU, memory and accelerators: forms that the backend understands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from kubernetes.utils.quantity import parse_quantity

from tfxkit.kubeflow.checks.view import View

_FIELDS = {
    "CPU": ("resource_cpu_request", "resource_cpu_limit"),
    "memory": ("resource_memory_request", "resource_memory_limit"),
}
_KUBERNETES_RESOURCE = re.compile(r"[a-z0-9][-a-z0-9.]*/[A-Za-z0-9][-\w.]*")
_VERTEX_ACCELERATOR = re.compile(r"(NVIDIA|TPU)_[A-Z0-9_]+")


def quantities(view: View) -> Iterator[str]:
    """CPU and memory as Kubernetes writes them, request below limit: v2/driver/driver.go:191."""
    for task in view.tasks:
        if task.container is None:
            continue
        for what, fields in _FIELDS.items():
            texts = [getattr(task.container.resources, field) for field in fields]
            amounts = [_amount(text) for text in texts]
            for text, amount in zip(texts, amounts, strict=True):
                if text and amount is None:
                    yield (
                        f"{task.name}: {what} {text!r} is no quantity of Kubernetes: write it as "
                        "500m or 2 (CPU), 512Mi or 4Gi (memory)."
                    )
            request, limit = amounts
            if request is not None and limit is not None and request > limit:
                yield (
                    f"{task.name}: it requests {texts[0]} of {what}, more than its limit "
                    f"{texts[1]}, and Kubernetes refuses the pod: raise the limit."
                )


def kubernetes_accelerators(view: View) -> Iterator[str]:
    """The type names a resource; without a count it is ignored: v2/driver/driver.go:415-446."""
    for task, kind, count in _accelerators(view):
        if kind and "{{$" not in kind and not _KUBERNETES_RESOURCE.fullmatch(kind):
            yield (
                f"{task}: the accelerator {kind!r} is no resource of Kubernetes: write it as the "
                "device plugin calls it, such as nvidia.com/gpu, and choose the model by "
                "node_selector."
            )
        if bool(kind) != bool(count):
            yield (
                f"{task}: its accelerator lacks {'a count' if kind else 'a type'} and would be left"
                " out without a word: give both."
            )


def vertex_accelerators(view: View) -> Iterator[str]:
    """Vertex has names of its own: `AcceleratorType` of google.cloud.aiplatform_v1."""
    for task, kind, count in _accelerators(view):
        if not _VERTEX_ACCELERATOR.fullmatch(kind) or not count:
            yield (
                f"{task}: Vertex does not know the accelerator {kind!r} with count {count or 0}: "
                "name it as Vertex does, such as NVIDIA_TESLA_T4, and give a count."
            )


def _accelerators(view: View) -> Iterator[tuple[str, str, str]]:
    """Task, type and count of each accelerator that is asked for."""
    for task in view.tasks:
        if task.container is not None and task.container.resources.HasField("accelerator"):
            asked = task.container.resources.accelerator
            count = asked.resource_count or (str(asked.count) if asked.count else "")
            kind = asked.type if view.target == "vertex" else asked.resource_type or asked.type
            yield task.name, kind, count


def _amount(text: str) -> Decimal | None:
    """A quantity as a number; None if it is none, or given at run time."""
    if not text or "{{$" in text:
        return Decimal(0) if text else None
    try:
        return parse_quantity(text)
    except ValueError:
        return None
