"""Opens a metadata file of ML Metadata."""

from __future__ import annotations

from pathlib import Path

import ml_metadata
from ml_metadata.proto import metadata_store_pb2 as pb

from components.errors import StorageError


def open_store(metadata_file: Path, *, write: bool = False) -> ml_metadata.MetadataStore:
    """Opens a SQLite file; to write, it is made if need be.

    Raises:
        StorageError: If it cannot be opened, or is damaged.
    """
    modes = pb.SqliteMetadataSourceConfig
    config = pb.ConnectionConfig()
    config.sqlite.filename_uri = str(metadata_file)
    config.sqlite.connection_mode = modes.READWRITE_OPENCREATE if write else modes.READONLY
    try:
        return ml_metadata.MetadataStore(config)
    except (ml_metadata.errors.StatusError, RuntimeError) as error:  # the latter from its C++ part
        # It puts the reason between a heading and the statement in SQL.
        reason = str(error).removeprefix("Error when executing query: ").split(" query: ")[0]
        raise StorageError(f"{metadata_file} cannot be opened: {reason}") from error
