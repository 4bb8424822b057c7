"""Folders and addresses that a runner passes to the DAG."""

from __future__ import annotations

import dataclasses

__all__ = ["Places"]


@dataclasses.dataclass(frozen=True)
class Places:
    """Inputs and outputs of a pipeline; local paths or gs://, s3:// addresses.

    Attributes:
        data: The folder of `span-<number>` folders.
        schema: The schema file. Its path must change with its content (see `ImportSchemaGen`).
        serving: The folder that versions are pushed to, and that the baseline is read from.
        checkpoints: The folder with the last epoch of a killed training.
        bulk_data: The folder of spans to predict, if bulk inference is enabled.
        serving_statistics: The statistics of served requests, if skew is measured.
        run_id: The id of the run, or the placeholder that a backend replaces by its own id.
    """

    data: str
    schema: str
    serving: str
    checkpoints: str
    bulk_data: str = ""
    serving_statistics: str | None = None
    run_id: str = ""
