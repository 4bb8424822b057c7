"""The settings of `all` lie under those of each step; and some steps are never cached."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import pydantic

from pipeline.config import merge
from pipeline.config_problems import message
from pipeline.kubeflow.step_settings import StepSettings

ALL = "all"

Step = TypeVar("Step", bound=StepSettings)


def resolve(
    steps: Mapping[str, Step], kind: type[Step], never_cached: tuple[str, ...]
) -> dict[str, Step]:
    """Lays each step's settings over those of `all`, so that `config show` tells what it gets.

    Args:
        steps: As they were written.
        kind: Their type.
        never_cached: The steps that cannot be cached.

    Raises:
        ValueError: If one of those is to be cached, or if the two do not go together.
    """
    under = steps[ALL].model_dump(exclude_unset=True) if ALL in steps else {}
    resolved = {}
    for name, own in steps.items():
        if name in never_cached and own.cache and "cache" in own.model_fields_set:
            raise ValueError(
                f"{name} cannot be cached: nothing in its cache key changes when the data or the "
                "served model does; take cache out of it"
            )
        tree: dict[str, Any] = merge(under, own.model_dump(exclude_unset=True))
        if name in never_cached:
            tree["cache"] = False
        try:
            resolved[name] = kind.model_validate(tree)
        except pydantic.ValidationError as error:
            told = message(error.errors()[0])
            raise ValueError(f"{name}, with what all says: {told}") from None
    return resolved


def settings_of(
    name: str, steps: Mapping[str, Step], default: Step, never_cached: tuple[str, ...]
) -> Step:
    """What holds for a step.

    Args:
        name: The step's.
        steps: From `resolve`.
        default: What holds where not even `all` is given.
        never_cached: The steps that cannot be cached.
    """
    if name in steps:
        return steps[name]
    found = steps.get(ALL, default)
    return found.model_copy(update={"cache": False}) if name in never_cached else found
