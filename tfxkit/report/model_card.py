"""The part of the page that people write: `configs/model_card.yaml`.

No step reads it, so a better sentence makes no model anew.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pydantic
import yaml

from tfxkit.config.frozen import Frozen
from tfxkit.report.metric_rows import MetricRow, metric_rows
from tfxkit.report.run import Run

FILE = "model_card.yaml"


class ModelCard(Frozen):
    """What `configs/model_card.yaml` may say; every part may be left out."""

    title: str = pydantic.Field(default="", description="What the model is called.")
    description: str = pydantic.Field(default="", description="What it predicts, and when.")
    owners: tuple[str, ...] = pydantic.Field(default=(), description="Who answers for it.")
    intended_use: tuple[str, ...] = pydantic.Field(default=(), description="What it is good for.")
    not_intended_for: tuple[str, ...] = pydantic.Field(
        default=(), description="What it must not be used for."
    )
    data: str = pydantic.Field(default="", description="Where the data is from, and its licence.")
    limits: tuple[str, ...] = pydantic.Field(default=(), description="Where it is known to fail.")
    ethical_considerations: tuple[str, ...] = pydantic.Field(
        default=(), description="Whom it may harm, and what is done about that."
    )
    licence: str = pydantic.Field(default="", description="Under which the model may be used.")


@dataclasses.dataclass(frozen=True)
class CardShown:
    """The section.

    Attributes:
        card: None if there is none, or none that can be read.
        problem: Why it cannot be read.
        label: What is predicted.
        rows: How many rows of the eval split it was measured on.
        metrics: Of the model.
    """

    card: ModelCard | None
    problem: str
    label: str
    rows: int
    metrics: list[MetricRow]


def make(run: Run) -> CardShown:
    """Reads the card beside the configuration of the run."""
    card, problem = None, ""
    try:
        card = read(run.config_dir)
    except ValueError as error:
        problem = str(error)
    label = run.dataset.label
    return CardShown(
        card=card,
        problem=problem,
        label=f"{label.column} ({run.dataset.task})",
        rows=run.summary.evaluated_rows,
        metrics=metric_rows(run),
    )


def read(config_dir: Path) -> ModelCard | None:
    """Reads the card; None if there is none.

    Raises:
        ValueError: If it is no YAML, or has keys that no card has; says which.
    """
    file = config_dir / FILE
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{file} is not valid YAML: {error}") from error
    try:
        return ModelCard.model_validate(content or {})
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        known = ", ".join(ModelCard.model_fields)
        raise ValueError(f"{file}: {where}: {first['msg']}. A card has: {known}") from error
