"""The places that a runner gives to the DAG."""

from __future__ import annotations

import dataclasses

__all__ = ["Places"]


@dataclasses.dataclass(frozen=True)
class Places:
    """Where a runner wants the pipeline to read and write; local paths or gs://, s3:// addresses.

    Attributes:
        data: The folder of `span-<number>` folders.
        schema: The schema file. Its path must change with its content (see `ImportSchemaGen`).
        serving: The folder that versions are pushed to, and that the baseline is read from.
        checkpoints: The folder in which a killed training finds its last epoch again.
        bulk_data: The folder of spans to predict, if that is switched on.
        serving_statistics: The statistics of served requests, if skew is to be measured.
        run_id: The run, or the placeholder that a backend puts its own id in the place of.
    """

    data: str
    schema: str
    serving: str
    checkpoints: str
    bulk_data: str = ""
    serving_statistics: str | None = None
    run_id: str = ""
