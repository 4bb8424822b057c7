"""Time and memory of each step of a TFX pipeline, from its metadata and its measurements."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ml_metadata import metadata_store
from ml_metadata.proto import metadata_store_pb2 as pb

_MS = 1000


def steps_taken(
    metadata: Path, memory: Sequence[tuple[float, float]]
) -> dict[str, dict[str, float | None]]:
    """Reads the steps of the only run that the metadata know.

    Args:
        metadata: The SQLite file.
        memory: Pairs of time (seconds since 1970) and MiB; see `benchmarks.watched`.

    Returns:
        By the name of the step: `seconds`, and `peak_mib`, None where it was too short for a look.

    Raises:
        SystemExit: If a step did not come to its end.
    """
    config = pb.ConnectionConfig()
    config.sqlite.filename_uri = str(metadata)
    config.sqlite.connection_mode = pb.SqliteMetadataSourceConfig.READONLY
    store = metadata_store.MetadataStore(config)
    taken: dict[str, dict[str, float | None]] = {}
    for execution in store.get_executions():
        [node] = [c for c in store.get_contexts_by_execution(execution.id) if c.type == "node"]
        name = node.name.rpartition(".")[2]
        if execution.last_known_state not in (pb.Execution.COMPLETE, pb.Execution.CACHED):
            raise SystemExit(f"{metadata}: {name} did not come to its end.")
        begin = execution.create_time_since_epoch / _MS
        end = execution.last_update_time_since_epoch / _MS
        within = [mib for moment, mib in memory if begin <= moment <= end]
        taken[name] = {"seconds": round(end - begin, 3), "peak_mib": max(within, default=None)}
    return taken
