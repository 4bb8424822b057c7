"""The sections of the configuration that say what the pipeline does, apart from data and model."""

from __future__ import annotations

import enum
import os
from typing import Annotated, Any, Self

import pydantic

from tfxkit.config.csv_format import CsvFormat
from tfxkit.config.engine import Engine
from tfxkit.config.engine_sections import (
    NO_PACKING,
    DataflowSection,
    FlinkSection,
    JobServer,
    SparkSection,
)
from tfxkit.config.frozen import Frozen
from tfxkit.config.secrets import NoSecretNames
from tfxkit.config.split_at import SplitAt
from tfxkit.errors import documentation

# Bytes of data, some ten minutes of one process; several cost their memory each, see
# library/benchmarks/README.md.
_WORTH_PROCESSES = 2_000_000_000


class BeamMode(enum.StrEnum):
    """Mode of Beam's direct runner; `auto` selects one of the others, by the size of the data.

    Several processes start in each step, and each of them imports TensorFlow: that pays off on
    large data only.
    """

    AUTO = "auto"
    IN_MEMORY = "in_memory"
    MULTI_THREADING = "multi_threading"
    MULTI_PROCESSING = "multi_processing"


class BeamConfig(Frozen):
    """Where and how the Beam parts of the data steps run."""

    engine: Engine = Engine.DIRECT
    mode: BeamMode = pydantic.Field(
        default=BeamMode.AUTO,
        description="Of engine direct. auto: several processes where a run on this machine takes "
        "2 GB of data or more, else one.",
    )
    workers: Annotated[int, pydantic.Field(ge=1)] | None = pydantic.Field(
        default=None, description="Of engine direct; else one for each core."
    )
    flink: FlinkSection = FlinkSection()
    spark: SparkSection = SparkSection()
    dataflow: DataflowSection | None = pydantic.Field(
        default=None, description="What engine dataflow needs."
    )
    options: Annotated[dict[str, str | int | bool], NoSecretNames] = pydantic.Field(
        default={}, description="Any further pipeline option of Beam, without the leading dashes."
    )

    @pydantic.model_validator(mode="after")
    def _dataflow_has_a_project(self) -> Self:
        if self.engine is Engine.DATAFLOW and self.dataflow is None:
            raise ValueError(
                "engine dataflow needs the section beam.dataflow: project, region, temp_location "
                "(gs://…) and sdk_container_image; an example is under " + documentation("scale")
            )
        return self

    @property
    def job_server(self) -> JobServer | None:
        """Address of the engine's job server, if it has one."""
        return {Engine.FLINK: self.flink, Engine.SPARK: self.spark}.get(self.engine)

    @property
    def depends_on_size(self) -> bool:
        """True if the mode depends on the size of the data."""
        return self.engine is Engine.DIRECT and self.mode is BeamMode.AUTO

    def pipeline_args(self, data_bytes: int = 0) -> list[str]:
        """The same as command line arguments of a Beam pipeline.

        Args:
            data_bytes: How large the files of the data are, if that is known.
        """
        section = self.dataflow if self.engine is Engine.DATAFLOW else self.job_server
        args = section.pipeline_args() if section else self._direct_args(data_bytes)
        for name, value in self.options.items():
            if value is not False:
                args.append(f"--{name}" if value is True else f"--{name}={value}")
        return args

    def _direct_args(self, data_bytes: int) -> list[str]:
        # Zero is Beam's word for as many as there are cores where the step runs.
        mode, workers = self.mode, self.workers or 0
        if self.depends_on_size:
            several = (self.workers or os.cpu_count() or 1) > 1
            large = several and data_bytes >= _WORTH_PROCESSES
            mode = BeamMode.MULTI_PROCESSING if large else BeamMode.IN_MEMORY
        if mode is BeamMode.IN_MEMORY:
            workers = 1
        return [
            "--runner=FnApiRunner",  # named outright: Beam's default runner needs the Internet
            f"--direct_running_mode={mode}",
            f"--direct_num_workers={workers}",
            NO_PACKING,
        ]


SplitName = Annotated[str, pydantic.Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]*$")]


class DataConfig(Frozen):
    """Data to read, and the split of its rows."""

    path: str = pydantic.Field(
        description="Folder that holds the `span-<number>` folders; or what `reader` takes."
    )
    reader: str | None = pydantic.Field(
        default=None,
        description="Dotted name of a module that yields the rows in place of files: see "
        f"{documentation('source')}.",
    )
    reader_options: Annotated[dict[str, pydantic.JsonValue], NoSecretNames] = pydantic.Field(
        default={}, description="What the functions of `reader` are called with, by parameter."
    )
    spans: Annotated[str, pydantic.Field(pattern=r"^(all|newest|\d+|last:[1-9]\d*)$")] = (
        pydantic.Field(default="all", description="all, newest, one number, or last:N.")
    )
    splits: dict[SplitName, Annotated[int, pydantic.Field(ge=1)]] = pydantic.Field(
        default={"train": 2, "eval": 1},
        description="Name and share of each split, by hash of the row; with split_at the "
        "shares do not count.",
    )
    split_by: str | None = pydantic.Field(
        default=None,
        description="A column of whole numbers or text: rows with equal values in it (all of one "
        "customer) are in the same split, by hash of the value.",
    )
    split_at: SplitAt | None = pydantic.Field(
        default=None,
        description="Split by time, or by what else a column says: rows from a split's "
        "bound on are of that split, up to the next bound; the split without a bound has the rest.",
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

    @pydantic.field_validator("reader")
    @classmethod
    def _reader_is_a_module(cls, value: str | None) -> str | None:
        if value is not None and not all(map(str.isidentifier, value.split("."))):
            raise ValueError("write the dotted name of a module, such as components.orders")
        return value

    @pydantic.model_validator(mode="after")
    def _options_have_a_reader(self) -> Self:
        if self.reader_options and self.reader is None:
            raise ValueError("reader_options need a reader")
        return self

    @pydantic.model_validator(mode="after")
    def _one_way_to_split(self) -> Self:
        if self.split_at is None:
            return self
        if self.split_by is not None:
            raise ValueError("give either split_by or split_at")
        bounds = self.split_at.bounds
        if unknown := bounds.keys() - self.splits:
            raise ValueError(f"split_at.bounds: there is no split {min(unknown)} in splits")
        if len(bounds) != len(self.splits) - 1:
            raise ValueError(
                f"split_at.bounds: of the splits ({', '.join(self.splits)}) all but the one with "
                "the lowest values need a bound"
            )
        return self


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
    """Number of runs and models that `clean --keep` leaves by default; null for all."""

    runs: Annotated[int, pydantic.Field(ge=1)] | None = pydantic.Field(
        default=None, description="The newest runs, with their artifacts."
    )
    pushed_models: Annotated[int, pydantic.Field(ge=1)] | None = pydantic.Field(
        default=None, description="The newest pushed versions, with all that they came from."
    )


class ServingCheckConfig(Frozen):
    """Limits that the exported model must meet before it is pushed."""

    examples: Annotated[int, pydantic.Field(ge=1)] = 64
    timeout_s: Annotated[int, pydantic.Field(ge=1)] = pydantic.Field(
        default=120, description="No answer until then fails the step; it is no verdict."
    )
    memory_mb: Annotated[int, pydantic.Field(ge=1)] = 4096
    latency_ms: Annotated[float, pydantic.Field(gt=0)] = pydantic.Field(
        default=1000, description="For one example, the fastest of several requests."
    )
    size_mb: Annotated[float, pydantic.Field(gt=0)] = pydantic.Field(
        default=2048, description="Of the exported model, all its files together."
    )
