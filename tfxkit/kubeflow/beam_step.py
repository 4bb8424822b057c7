"""A step in a container that sends its work to an engine."""

from __future__ import annotations

import importlib
from collections.abc import Sequence

from tfxkit.config.engine import ensure_job_server

_JOB_ENDPOINT = "--job_endpoint="
_DATAFLOW = "--runner=DataflowRunner"


def runs_beam(executor_class_path: str) -> bool:
    """Whether the executor of a step does."""
    from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor

    module, _, name = executor_class_path.rpartition(".")
    return issubclass(getattr(importlib.import_module(module), name), BaseBeamExecutor)


def ensure_engine(beam_args: Sequence[str]) -> None:
    """Makes sure that the job server answers, if the step needs one.

    Args:
        beam_args: Beam's arguments; a step that runs no Beam has none (`compilation`).

    Raises:
        UsageError: If it does not.
    """
    endpoints = [arg.removeprefix(_JOB_ENDPOINT) for arg in beam_args if _JOB_ENDPOINT in arg]
    if endpoints:
        ensure_job_server(endpoints[-1])


def needs_addresses(beam_args: Sequence[str]) -> bool:
    """Whether the step's workers see the object store only, and no folder of the container."""
    return _DATAFLOW in beam_args
