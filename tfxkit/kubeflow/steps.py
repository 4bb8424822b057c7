"""Puts the settings of the steps into a PipelineSpec: resources, environment, retries, caching.

TFX has a way of its own for resources (`with_platform_config`), and ignores it for ExampleGen
(tfx 1.21, orchestration/kubeflow/v2/step_builder.py:565).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Set
from typing import Any

from tfxkit.config.loading import ConfigError
from tfxkit.config.remote.formats import cores, gigabytes
from tfxkit.config.remote.steps import ALL, Retries, StepSettings
from tfxkit.kubeflow.compilation import CompiledDag, containers_of
from tfxkit.storage import step_cache


def check_names(given: Iterable[str], steps: Iterable[str], section: str) -> None:
    """Refuses settings for steps that there are not.

    Raises:
        ConfigError: With the nearest step.
    """
    known = sorted(steps)
    for name in given:
        if name != ALL and name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"did you mean {near[0]}?" if near else f"there are: {ALL}, {', '.join(known)}"
            raise ConfigError(f"{section}.steps.{name}: the pipeline has no such step; {hint}")


def blind_to_cache(compiled: CompiledDag) -> frozenset[str]:
    """The steps whose cache key does not show all that their result depends on.

    A driver that completes the key runs on this machine only; of ExampleGen's, Vertex AI starts a
    program in its place (`lifecycle`), Kubeflow does not.
    """
    hooked = {step for step, one in containers_of(compiled.spec).items() if "lifecycle" in one}
    return frozenset(
        node.id
        for node in compiled.components
        if step_cache.is_never_cached(node)
        or (step_cache.has_driver(node) and node.id not in hooked)
    )


def check_cache(given: Mapping[str, StepSettings], blind: Set[str], section: str) -> None:
    """Refuses `cache: true` for a step that cannot be cached; below `all` it is left out for it.

    Raises:
        ConfigError: With the step.
    """
    asked = {name for name, own in given.items() if own.cache and "cache" in own.model_fields_set}
    for name in () if ALL in asked else sorted(asked & blind):
        raise ConfigError(
            f"{section}.steps.{name}.cache: {name} cannot be cached, since its cache key does not "
            "show all that its result depends on. Remove the key."
        )


def apply(
    spec: dict[str, Any],
    settings: Mapping[str, StepSettings],
    cache: bool,
    blind: Set[str],
) -> None:
    """Puts settings into a spec.

    Args:
        spec: Changed in place.
        settings: What holds for each step.
        cache: Whether any step may be cached.
        blind: The steps that are never cached, from `blind_to_cache`.
    """
    tasks = spec["root"]["dag"]["tasks"]
    for step, container in containers_of(spec).items():
        own, task = settings[step], tasks[step]
        if resources := _resources(own):
            container["resources"] = resources
        if variables := sorted((own.env or {}).items()):
            given = [{"name": name, "value": value} for name, value in variables]
            container.setdefault("env", []).extend(given)
        if own.retries:
            task["retryPolicy"] = _retry_policy(own.retries)
        may_cache = cache and own.cache and step not in blind
        task["cachingOptions"] = {"enableCache": True} if may_cache else {}


def _resources(settings: StepSettings) -> dict[str, Any]:
    """Both spellings: numbers for Vertex AI and old servers, texts for all other Kubeflows.

    The driver takes the text where there is one (driver/driver.go:175 of kubeflow/pipelines 2.17).
    """
    resources: dict[str, Any] = {}
    for name, amounts, number in (
        ("Cpu", settings.cpu, cores),
        ("Memory", settings.memory, gigabytes),
    ):
        for bound in ("request", "limit") if amounts else ():
            if quantity := getattr(amounts, bound):
                resources[f"{name.lower()}{bound.title()}"] = number(quantity)
                resources[f"resource{name}{bound.title()}"] = quantity
    if settings.accelerator:
        kind, count = settings.accelerator.type, str(settings.accelerator.count)
        resources["accelerator"] = {
            "type": kind,
            "count": count,
            "resourceType": kind,
            "resourceCount": count,
        }
    return resources


def _retry_policy(retries: Retries) -> dict[str, Any]:
    """All four fields: without the last, Kubeflow gives Argo 0 s, and nothing is ever retried.

    See getTaskRetryParameters in argocompiler/container.go of kubeflow/pipelines 2.17, and
    processNodeRetries in workflow/controller/operator.go of argo-workflows 4.0: `maxDuration` runs
    from the start of the first attempt. The factor is a whole number there.
    """
    return {
        "maxRetryCount": retries.count,
        "backoffDuration": f"{retries.delay_s}s",
        "backoffFactor": float(retries.factor),
        "backoffMaxDuration": f"{retries.give_up_after_s}s",
    }
