"""The settings of `all` lie under those of each step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import pydantic

from tfxkit.config.loading import merge
from tfxkit.config.problems import message
from tfxkit.config.remote.step_settings import StepSettings

ALL = "all"

Step = TypeVar("Step", bound=StepSettings)


def resolve(steps: Mapping[str, Step], kind: type[Step]) -> dict[str, Step]:
    """Lays each step's settings over those of `all`, so that `config show` tells what it gets.

    Args:
        steps: As they were written.
        kind: Their type.

    Raises:
        ValueError: If the two do not go together.
    """
    under = steps[ALL].model_dump(exclude_unset=True) if ALL in steps else {}
    resolved = {}
    for name, own in steps.items():
        tree: dict[str, Any] = merge(under, own.model_dump(exclude_unset=True))
        try:
            resolved[name] = kind.model_validate(tree)
        except pydantic.ValidationError as error:
            told = message(error.errors()[0])
            raise ValueError(f"{name}, with what all says: {told}") from None
    return resolved


def settings_of(name: str, steps: Mapping[str, Step], default: Step) -> Step:
    """What holds for a step.

    Args:
        name: The step's.
        steps: From `resolve`.
        default: What holds where not even `all` is given.
    """
    return steps[name] if name in steps else steps.get(ALL, default)
