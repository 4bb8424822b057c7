"""Section `ingest` of the configuration: the database or table that `ingest` reads spans from."""

from __future__ import annotations

from typing import Annotated, Literal, Self

import pydantic

from tfxkit.config.frozen import Frozen
from tfxkit.config.secrets import NoSecretNames, SecretReference

__all__ = ["IngestConfig"]

_TABLES = ("delta", "iceberg")
_REQUIRED = {
    "sqlite": ("path",),
    "duckdb": ("path",),
    "postgresql": ("uri",),
    "snowflake": ("uri",),
    "bigquery": ("project",),
    "delta": ("path",),
    "iceberg": ("table", "catalog"),
}
_OPTIONAL = {"bigquery": ("credentials",), "iceberg": ("catalog_secrets",)}
_PLACES = ("path", "uri", "project", "credentials", "table", "catalog", "catalog_secrets")


class IngestConfig(Frozen):
    """Source of new spans, for `python -m pipeline ingest`."""

    driver: Literal["sqlite", "duckdb", "postgresql", "snowflake", "bigquery", "delta", "iceberg"]
    path: str = pydantic.Field(
        default="",
        description="sqlite and duckdb: the file of the database. delta: folder or address of the "
        "table.",
    )
    uri: SecretReference = pydantic.Field(
        default="",
        description="postgresql and snowflake: the environment variable, or the file, that holds "
        "the address, such as postgresql://user:password@host/database or "
        "user:password@account/database/schema?warehouse=NAME.",
    )
    project: str = pydantic.Field(
        default="", description="bigquery: the project that the query is billed to."
    )
    credentials: SecretReference = pydantic.Field(
        default="",
        description="bigquery: the environment variable, or the file, that holds the JSON key of a "
        "service account; by default Application Default Credentials.",
    )
    table: str = pydantic.Field(
        default="", description="iceberg: the table with its namespace, such as sales.trips."
    )
    catalog: Annotated[dict[str, str], NoSecretNames] = pydantic.Field(
        default={},
        description="iceberg: properties of the catalog, as PyIceberg names them: {type: rest, "
        "uri: https://…}.",
    )
    catalog_secrets: dict[str, SecretReference] = pydantic.Field(
        default={},
        description="iceberg: properties that are credentials, each by the environment variable, "
        "or the file, that holds it: {token: CATALOG_TOKEN}.",
    )
    query: str = pydantic.Field(
        default="",
        description="SQL of the rows; {{ begin }} and {{ end }} stand for the interval of a span.",
    )
    query_file: str = pydantic.Field(default="", description="A file that holds the query.")
    time_column: str | None = pydantic.Field(
        default=None,
        description="delta and iceberg: the column of times or dates that the interval of a span "
        "selects.",
    )

    @property
    def is_sql(self) -> bool:
        """True for a database, false for a table of files."""
        return self.driver not in _TABLES

    @pydantic.model_validator(mode="after")
    def _has_what_the_driver_takes(self) -> Self:
        required = _REQUIRED[self.driver]
        for name in required:
            if not getattr(self, name):
                raise ValueError(f"ingest.{name}: {self.driver} needs it")
        for name in _PLACES:
            if getattr(self, name) and name not in (*required, *_OPTIONAL.get(self.driver, ())):
                raise ValueError(
                    f"ingest.{name}: {self.driver} has no use for it; set {required[0]}"
                )
        if self.is_sql and bool(self.query) == bool(self.query_file):
            raise ValueError("ingest: give either query or query_file")
        if not self.is_sql and (self.query or self.query_file):
            raise ValueError(f"ingest: {self.driver} takes no query; set time_column")
        if self.is_sql and self.time_column:
            raise ValueError("ingest.time_column: select the interval in the query")
        return self
