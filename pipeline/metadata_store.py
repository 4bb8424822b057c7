"""Opens a metadata file of ML Metadata."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import ml_metadata
from ml_metadata.proto import metadata_store_pb2 as pb

from tfxkit.errors import StorageError


def open_store(metadata_file: Path, *, write: bool = False) -> ml_metadata.MetadataStore:
    """Opens a SQLite file; to write, it is made if need be.

    Raises:
        StorageError: If it cannot be opened, or is damaged.
    """
    modes = pb.SqliteMetadataSourceConfig
    config = pb.ConnectionConfig()
    config.sqlite.filename_uri = str(metadata_file)
    config.sqlite.connection_mode = modes.READWRITE_OPENCREATE if write else modes.READONLY
    with damage_told(metadata_file, "opened"):
        return ml_metadata.MetadataStore(config)


@contextlib.contextmanager
def damage_told(metadata_file: Path, what: str = "read") -> Iterator[None]:
    """Names the file, should what is done inside fail because of it.

    Raises:
        StorageError: If ML Metadata cannot do it.
    """
    try:
        yield
    except (ml_metadata.errors.StatusError, RuntimeError) as error:  # the latter from its C++ part
        # It puts the reason between a heading and the statement in SQL.
        reason = str(error).removeprefix("Error when executing query: ").split(" query: ")[0]
        raise StorageError(f"{metadata_file} cannot be {what}: {reason}") from error
