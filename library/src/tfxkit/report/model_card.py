"""The hand-written part of the page: `configs/model_card.yaml`.

No step reads the card, so an edit invalidates no cached step.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pydantic
import yaml

from tfxkit.config.frozen import Frozen
from tfxkit.report.quality import MetricRow, metric_rows
from tfxkit.report.run import Run

MODEL_CARD_FILE = "model_card.yaml"


class ModelCard(Frozen):
    """Content of `configs/model_card.yaml`; every part is optional."""

    title: str = pydantic.Field(default="", description="Name of the model.")
    description: str = pydantic.Field(default="", description="The prediction, and its occasion.")
    owners: tuple[str, ...] = pydantic.Field(
        default=(), description="People responsible for the model."
    )
    intended_use: tuple[str, ...] = pydantic.Field(default=(), description="Uses it was made for.")
    not_intended_for: tuple[str, ...] = pydantic.Field(
        default=(), description="Uses it must not be put to."
    )
    data: str = pydantic.Field(default="", description="Source and licence of the data.")
    limits: tuple[str, ...] = pydantic.Field(default=(), description="Known failures.")
    ethical_considerations: tuple[str, ...] = pydantic.Field(
        default=(), description="Possible harm to people, and measures against it."
    )
    licence: str = pydantic.Field(default="", description="Licence of the model.")


@dataclasses.dataclass(frozen=True)
class ModelCardSection:
    """Section `model_card` of the page.

    Attributes:
        card: None if the card is missing or invalid.
        problem: The reason why the card is invalid.
        label: The label column and the task.
        rows: Number of rows of the eval split.
        metrics: Of the model.
    """

    card: ModelCard | None
    problem: str
    label: str
    rows: int
    metrics: list[MetricRow]


def build_model_card(run: Run) -> ModelCardSection:
    """Builds the section from the card beside the configuration of the run."""
    card, problem = None, ""
    try:
        card = read_model_card(run.config_dir)
    except ValueError as error:
        problem = str(error)
    label = run.dataset.label
    return ModelCardSection(
        card=card,
        problem=problem,
        label=f"{label.column} ({run.dataset.task})",
        rows=run.summary.evaluated_rows,
        metrics=metric_rows(run),
    )


def read_model_card(config_dir: Path) -> ModelCard | None:
    """Reads the card; None if the file is missing.

    Raises:
        ValueError: If the file is not valid YAML, or has unknown keys, which the message names.
    """
    file = config_dir / MODEL_CARD_FILE
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
        key = ".".join(map(str, first["loc"]))
        known = ", ".join(ModelCard.model_fields)
        raise ValueError(f"{file}: {key}: {first['msg']}. A card has: {known}") from error
