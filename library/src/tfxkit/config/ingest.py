"""Section `ingest` of the configuration: the database or table that `ingest` reads spans from."""

from __future__ import annotations

from typing import Literal, Self

import pydantic

from tfxkit.config.frozen import Frozen
from tfxkit.config.secrets import SecretReference

__all__ = ["IngestConfig"]

_FILES = ("sqlite", "duckdb")
_SERVERS = ("postgresql",)
_TABLES = ("delta",)


class IngestConfig(Frozen):
    """Source of new spans, for `python -m pipeline ingest`."""

    driver: Literal["sqlite", "duckdb", "postgresql", "delta"]
    path: str = pydantic.Field(
        default="",
        description="sqlite and duckdb: the file of the database. delta: folder or address of the "
        "table.",
    )
    uri: SecretReference = pydantic.Field(
        default="",
        description="postgresql: the environment variable, or the file, that holds the address, "
        "such as postgresql://user:password@host/database.",
    )
    query: str = pydantic.Field(
        default="",
        description="SQL of the rows; {{ begin }} and {{ end }} stand for the interval of a span.",
    )
    query_file: str = pydantic.Field(default="", description="A file that holds the query.")
    time_column: str | None = pydantic.Field(
        default=None,
        description="delta: the column of times or dates that the interval of a span selects.",
    )

    @property
    def is_sql(self) -> bool:
        """True for a database, false for a table of files."""
        return self.driver not in _TABLES

    @pydantic.model_validator(mode="after")
    def _has_what_the_driver_takes(self) -> Self:
        wanted, other = ("uri", "path") if self.driver in _SERVERS else ("path", "uri")
        if not getattr(self, wanted):
            raise ValueError(f"ingest.{wanted}: {self.driver} needs it")
        if getattr(self, other):
            raise ValueError(f"ingest.{other}: {self.driver} has no use for it; set {wanted}")
        if self.is_sql and bool(self.query) == bool(self.query_file):
            raise ValueError("ingest: give either query or query_file")
        if not self.is_sql and (self.query or self.query_file):
            raise ValueError(f"ingest: {self.driver} takes no query; set time_column")
        if self.is_sql and self.time_column:
            raise ValueError("ingest.time_column: select the interval in the query")
        return self
