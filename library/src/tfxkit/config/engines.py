"""Section `beam`: the engine that runs the data steps, its address and its resources.

Workers are processes of this project's own environment or image, so a job carries no code. TFX
would pack itself for each step; it does not where an image is named (tfx 1.21,
utils/dependency_utils.py:31).
"""

from __future__ import annotations

import enum
import os
import socket
from typing import Annotated, Self

import pydantic

from tfxkit.config.frozen import Frozen
from tfxkit.config.secrets import NoSecretNames
from tfxkit.config.selection import Engine
from tfxkit.errors import UsageError, documentation

_TIMEOUT_S = 5


def ensure_job_server(endpoint: str) -> None:
    """Connects to a job server, so that no run starts without one.

    Args:
        endpoint: Host and port.

    Raises:
        UsageError: If nothing answers there.
    """
    host, _, port = endpoint.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_TIMEOUT_S).close()
    except OSError as error:
        raise UsageError(
            f"Beam's job server at {endpoint} does not answer ({error.strerror or error}).\n"
            "Start it, or say where it is: beam.flink.job_endpoint or beam.spark.job_endpoint in "
            "the configuration.\nWithout an engine: --engine direct. "
            f"What belongs to an engine: {documentation('scale')}"
        ) from None


NO_PACKING = "--sdk_container_image=none"
# Else workers end when no stage of a job needs them, and the next stage imports TensorFlow anew.
_KEEP_WORKERS = "--environment_cache_millis=60000"
Endpoint = Annotated[
    str,
    pydantic.Field(pattern=r"^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9][A-Za-z0-9.-]*):[1-9][0-9]{0,4}$"),
]
CloudFolder = Annotated[str, pydantic.Field(pattern=r"^gs://[^/?\s]+(/[^?\s]*)?$")]
Count = Annotated[int, pydantic.Field(ge=1)]


class JobServer(Frozen):
    """Engine behind Beam's job server: Flink or Spark."""

    job_endpoint: Endpoint = pydantic.Field(
        default="localhost:8099", description="Host and port of Beam's job server."
    )
    artifact_endpoint: Endpoint | None = pydantic.Field(
        default=None, description="Where it takes files, if it does not know its own address."
    )
    worker_pool: Endpoint = pydantic.Field(
        default="localhost:50000",
        description="Where each machine of the engine finds the worker pool of this project.",
    )
    sdk_workers: Count = pydantic.Field(
        default=1, description="Python processes on each machine: as many as it has slots."
    )

    def pipeline_args(self) -> list[str]:
        """Arguments of a Beam pipeline."""
        artifacts = (
            [f"--artifact_endpoint={self.artifact_endpoint}"] if self.artifact_endpoint else []
        )
        return [
            "--runner=PortableRunner",
            f"--job_endpoint={self.job_endpoint}",
            *artifacts,
            "--environment_type=EXTERNAL",
            f"--environment_config={self.worker_pool}",
            f"--sdk_worker_parallelism={self.sdk_workers}",
            _KEEP_WORKERS,
            NO_PACKING,
        ]


class FlinkSection(JobServer):
    """Flink cluster. Its `restart-strategy` decides how often a job restarts."""

    parallelism: Count | None = pydantic.Field(
        default=None, description="Slots that a job takes; else Flink's parallelism.default."
    )

    def pipeline_args(self) -> list[str]:
        """Arguments of a Beam pipeline."""
        args = super().pipeline_args()
        if self.parallelism is not None:
            args.append(f"--parallelism={self.parallelism}")
        return args


class SparkSection(JobServer):
    """Spark cluster. It repeats the tasks of a lost worker itself (spark.task.maxFailures)."""


class DataflowSection(Frozen):
    """Google Cloud Dataflow, which starts the machines that a job needs."""

    project: str = pydantic.Field(
        pattern=r"^[a-z][a-z0-9.:-]*$", description="Billed Google Cloud project."
    )
    region: str = pydantic.Field(pattern=r"^[a-z]+-[a-z]+[0-9]$")
    temp_location: CloudFolder = pydantic.Field(description="Folder for temporary files of a job.")
    sdk_container_image: Annotated[str, pydantic.Field(pattern=r"^[^\s:]\S*/\S+$")] = (
        pydantic.Field(description="Of `deploy/dataflow`, in Artifact Registry.")
    )
    staging_location: CloudFolder | None = pydantic.Field(
        default=None, description="For the files of a job; else below temp_location."
    )
    machine_type: str | None = None
    max_num_workers: Count | None = None
    disk_size_gb: Count | None = None
    service_account_email: Annotated[str, pydantic.Field(pattern=r"^\S+@\S+$")] | None = (
        pydantic.Field(default=None, description="Of the workers; else the project's default.")
    )
    subnetwork: str | None = pydantic.Field(
        default=None, description="regions/REGION/subnetworks/NAME, or its whole address."
    )
    use_public_ips: bool = pydantic.Field(
        default=False, description="Without them the subnetwork needs Private Google Access."
    )

    def pipeline_args(self) -> list[str]:
        """Arguments of a Beam pipeline."""
        args = ["--runner=DataflowRunner"]
        for name, value in self.model_dump(exclude={"use_public_ips"}).items():
            if value is not None:
                args.append(f"--{name}={value}")
        args.append("--use_public_ips" if self.use_public_ips else "--no_use_public_ips")
        # Else it builds an image of the files for each job.
        args.append("--sdk_location=container")
        return args


# Bytes of data: some ten minutes of one process. More processes need more memory, see
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
    """Engine of the Beam parts of the data steps, and its options."""

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
        """Arguments of a Beam pipeline.

        Args:
            data_bytes: Size of the data's files; 0 if unknown.
        """
        section = self.dataflow if self.engine is Engine.DATAFLOW else self.job_server
        args = section.pipeline_args() if section else self._direct_args(data_bytes)
        for name, value in self.options.items():
            if value is not False:
                args.append(f"--{name}" if value is True else f"--{name}={value}")
        return args

    def _direct_args(self, data_bytes: int) -> list[str]:
        # To Beam, 0 means one for each core of the machine that runs the step.
        mode, workers = self.mode, self.workers or 0
        if self.depends_on_size:
            several = (self.workers or os.cpu_count() or 1) > 1
            large = several and data_bytes >= _WORTH_PROCESSES
            mode = BeamMode.MULTI_PROCESSING if large else BeamMode.IN_MEMORY
        if mode is BeamMode.IN_MEMORY:
            workers = 1
        return [
            "--runner=FnApiRunner",  # explicit: Beam's default runner needs the Internet
            f"--direct_running_mode={mode}",
            f"--direct_num_workers={workers}",
            NO_PACKING,
        ]
