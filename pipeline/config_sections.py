"""The sections of the configuration that say what the pipeline does, apart from data and model."""

from __future__ import annotations

import enum
from typing import Annotated, Any, Self

import pydantic

from models.csv_format import CsvFormat
from models.frozen import Frozen
from pipeline.no_secrets import NoSecrets

IN_PROCESS = "FnApiRunner"


class BeamMode(enum.StrEnum):
    """How Beam's in-process runner spreads its work."""

    IN_MEMORY = "in_memory"
    MULTI_THREADING = "multi_threading"
    MULTI_PROCESSING = "multi_processing"


class BeamConfig(Frozen):
    """Where and how the Beam parts of the data steps run."""

    runner: str = pydantic.Field(
        default=IN_PROCESS,
        description="Named outright: Beam's default runner needs the Internet.",
    )
    mode: BeamMode = BeamMode.IN_MEMORY
    workers: Annotated[int, pydantic.Field(ge=1)] = 1
    options: Annotated[dict[str, str | int | bool], NoSecrets] = pydantic.Field(
        default={}, description="Any further pipeline option of Beam, without the leading dashes."
    )

    def pipeline_args(self) -> list[str]:
        """The same as command line arguments of a Beam pipeline."""
        args = [
            f"--runner={self.runner}",
            f"--direct_running_mode={self.mode}",
            f"--direct_num_workers={self.workers}",
        ]
        if self.runner == IN_PROCESS:
            # Not used there. Without it TFX packs itself for workers elsewhere, for each step anew,
            # which takes some seconds (tfx 1.21, utils/dependency_utils.py:31).
            args.append("--sdk_container_image=none")
        for name, value in self.options.items():
            if value is not False:
                args.append(f"--{name}" if value is True else f"--{name}={value}")
        return args


SplitName = Annotated[str, pydantic.Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]*$")]


class DataConfig(Frozen):
    """Which data is read, and how its rows are split."""

    path: str = pydantic.Field(description="Folder that holds the `span-<number>` folders.")
    spans: Annotated[str, pydantic.Field(pattern=r"^(all|newest|\d+|last:[1-9]\d*)$")] = (
        pydantic.Field(default="all", description="all, newest, one number, or last:N.")
    )
    splits: dict[SplitName, Annotated[int, pydantic.Field(ge=1)]] = pydantic.Field(
        default={"train": 2, "eval": 1},
        description="Name and share of each split, by hash of the row.",
    )
    csv: CsvFormat = CsvFormat()

    @pydantic.field_validator("spans", mode="before")
    @classmethod
    def _number_to_text(cls, value: Any) -> Any:
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else value

    @pydantic.field_validator("splits")
    @classmethod
    def _needs_train_and_eval(cls, value: dict[str, int]) -> dict[str, int]:
        if missing := {"train", "eval"} - value.keys():
            raise ValueError(f"a split named {' and one named '.join(sorted(missing))} is needed")
        return value


class TunerConfig(Frozen):
    """The search for hyperparameters, on a part of the training rows."""

    enabled: bool = False
    trials: Annotated[int, pydantic.Field(ge=1)] = 10
    epochs: Annotated[int, pydantic.Field(ge=1)] = 10


class BulkInferConfig(Frozen):
    """Predictions for a folder of unlabelled data with the new model, once it is blessed."""

    enabled: bool = False
    path: str = pydantic.Field(
        default="", description="Folder of `span-<number>` folders to predict."
    )

    @pydantic.model_validator(mode="after")
    def _needs_a_path(self) -> Self:
        if self.enabled and not self.path:
            raise ValueError("enabled needs a path")
        return self


class RetentionConfig(Frozen):
    """How much `clean --keep` leaves, where it is not told; null for all."""

    runs: Annotated[int, pydantic.Field(ge=1)] | None = pydantic.Field(
        default=None, description="The newest runs, with their artifacts."
    )
    pushed_models: Annotated[int, pydantic.Field(ge=1)] | None = pydantic.Field(
        default=None, description="The newest pushed versions, with all that they came from."
    )


class ServingCheckConfig(Frozen):
    """What the exported model must stand before it is pushed."""

    examples: Annotated[int, pydantic.Field(ge=1)] = 64
    timeout_s: Annotated[int, pydantic.Field(ge=1)] = 120
    memory_mb: Annotated[int, pydantic.Field(ge=1)] = 4096
    latency_ms: Annotated[float, pydantic.Field(gt=0)] = pydantic.Field(
        default=1000, description="For one example, median."
    )
    size_mb: Annotated[float, pydantic.Field(gt=0)] = pydantic.Field(
        default=2048, description="Of the exported model, all its files together."
    )
