"""A step's resources: quantities of Kubernetes, and what its API server says of them."""

from __future__ import annotations

import re
from decimal import Decimal

from kfp.pipeline_spec import pipeline_spec_pb2

from tests.kubeflow.emulator.errors import BackendError, plain_error

ResourceSpec = pipeline_spec_pb2.PipelineDeploymentConfig.PipelineContainerSpec.ResourceSpec
_QUANTITY = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))(m|[kMGTPE]|[KMGTPE]i|[eE][+-]?\d+|)")
_FACTORS = {"": Decimal(1), "m": Decimal("0.001"), "k": Decimal(1000)}
_FACTORS |= {unit: Decimal(1000) ** power for power, unit in enumerate("MGTPE", start=2)}
_FACTORS |= {f"{unit}i": Decimal(1024) ** power for power, unit in enumerate("KMGTPE", start=1)}


def check(resources: ResourceSpec) -> None:
    """Checks requests and limits (driver/driver.go:173, 363-447).

    The newer fields, texts, go before the older ones, numbers of cores and of gigabytes.

    Raises:
        BackendError: One is no quantity, or more is asked for than is allowed.
    """
    pairs = {
        "cpu": (
            resources.resource_cpu_request or _number(resources.cpu_request, ""),
            resources.resource_cpu_limit or _number(resources.cpu_limit, ""),
        ),
        "memory": (
            resources.resource_memory_request or _number(resources.memory_request, "G"),
            resources.resource_memory_limit or _number(resources.memory_limit, "G"),
        ),
    }
    for name, (request, limit) in pairs.items():
        amounts = [_amount(text) for text in (request, limit) if text]
        if len(amounts) == 2 and amounts[0] > amounts[1]:
            raise BackendError(
                f'Pod is invalid: spec.containers[0].resources.requests: Invalid value: "{request}"'
                f": must be less than or equal to {name} limit of {limit}"
            )
    if resources.accelerator.resource_count:
        _amount(resources.accelerator.resource_count)


def _number(value: float, unit: str) -> str:
    return f"{value:g}{unit}" if value else ""


def _amount(text: str) -> Decimal:
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise plain_error(
            f"failed to init podSpecPatch: quantities must match the regular expression: {text}"
        )
    number, unit = match.groups()
    if unit in _FACTORS:
        return Decimal(number) * _FACTORS[unit]
    return Decimal(number + unit)
