"""The sections of the configuration that say where an engine is and what it gives a run.

Workers are processes of this project's own environment or image, so nothing of the code travels
with a job. TFX would pack itself for them, for each step anew; it does not where an image is named
(tfx 1.21, utils/dependency_utils.py:31).
"""

from __future__ import annotations

from typing import Annotated

import pydantic

from tfxkit.config.frozen import Frozen

NO_PACKING = "--sdk_container_image=none"
# Else workers end when no stage of a job needs one; those of the next stage import TensorFlow anew.
_KEPT = "--environment_cache_millis=60000"
Endpoint = Annotated[
    str,
    pydantic.Field(pattern=r"^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9][A-Za-z0-9.-]*):[1-9][0-9]{0,4}$"),
]
CloudFolder = Annotated[str, pydantic.Field(pattern=r"^gs://[^/?\s]+(/[^?\s]*)?$")]
Count = Annotated[int, pydantic.Field(ge=1)]


class JobServer(Frozen):
    """An engine that is spoken to through Beam's job server, as Flink and Spark are."""

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
        place = [f"--artifact_endpoint={self.artifact_endpoint}"] if self.artifact_endpoint else []
        return [
            "--runner=PortableRunner",
            f"--job_endpoint={self.job_endpoint}",
            *place,
            "--environment_type=EXTERNAL",
            f"--environment_config={self.worker_pool}",
            f"--sdk_worker_parallelism={self.sdk_workers}",
            _KEPT,
            NO_PACKING,
        ]


class FlinkSection(JobServer):
    """A Flink cluster. Its own `restart-strategy` decides how often a job begins again."""

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
    """A Spark cluster. It repeats the tasks of a lost worker by itself (spark.task.maxFailures)."""


class DataflowSection(Frozen):
    """Google Cloud Dataflow, which makes the machines that a job needs."""

    project: str = pydantic.Field(
        pattern=r"^[a-z][a-z0-9.:-]*$", description="Of Google Cloud, that pays."
    )
    region: str = pydantic.Field(pattern=r"^[a-z]+-[a-z]+[0-9]$")
    temp_location: CloudFolder = pydantic.Field(description="For what is there during a job.")
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
        # Else it builds an image of the files of a job for each of them anew.
        args.append("--sdk_location=container")
        return args
