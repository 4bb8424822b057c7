"""Differences between releases of the backend, and between this machine and a cluster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """Settings of the emulated backend; the defaults are those of release 2.17.0.

    Attributes:
        executor_logs: Each task has an output `executor-logs` (since 2.5.0, driver/driver.go:755).
        output_file_in_task_root: The file of outputs lies beside the artifacts (since 2.15.0,
            driver/driver.go:802), not in /tmp/kfp_outputs.
        default_pipeline_root: For runs that name none (config/env.go:38). The package's
            `defaultPipelineRoot` is read by nobody.
        parallel_tasks: How many steps run at the same time; on a cluster the scheduler decides.
        wait_factor: Seconds that pass here for each second of back-off between attempts.
        secrets, config_maps: Those of the cluster: name -> key -> value.
        claims: The cluster's volume claims: name -> the folder that stands for the volume.
    """

    executor_logs: bool = True
    output_file_in_task_root: bool = True
    default_pipeline_root: str = "minio://mlpipeline/v2/artifacts"
    parallel_tasks: int = 2
    wait_factor: float = 1.0
    secrets: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    config_maps: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    claims: Mapping[str, Path] = field(default_factory=dict)
