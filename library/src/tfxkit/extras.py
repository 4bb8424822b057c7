"""Extras of the library: packages that only some projects need."""

from __future__ import annotations

from importlib import metadata

from tfxkit.errors import UsageError

# As in the library's pyproject.toml.
PACKAGES = {
    "kubeflow": ("kfp", "kfp-kubernetes"),
    "vertex": ("kfp",),
    "sql": ("adbc-driver-manager", "adbc-driver-sqlite", "adbc-driver-postgresql"),
    "duckdb": ("adbc-driver-manager", "duckdb"),
    "snowflake": ("adbc-driver-manager", "adbc-driver-snowflake"),
    "bigquery": ("adbc-driver-manager", "adbc-driver-bigquery"),
    "delta": ("deltalake",),
    "iceberg": ("pyiceberg",),
    "serving": ("fastapi", "prometheus-client", "tensorflow-serving-api", "uvicorn"),
}


def require_extra(extra: str, task: str) -> None:
    """Refuses a task whose packages are not installed.

    Args:
        extra: A key of `PACKAGES`.
        task: The subject of the message, such as "Compiling".

    Raises:
        UsageError: If a package of the extra is missing.
    """
    for name in PACKAGES[extra]:
        try:
            metadata.distribution(name)
        except metadata.PackageNotFoundError:
            raise UsageError(
                f"{task} needs the extra `{extra}` of tfxkit: add it to extras in section "
                "[tool.tfxkit] of pyproject.toml, then run make lock and make setup."
            ) from None
