"""A small project whose spans come from a database, and a PostgreSQL server."""

from __future__ import annotations

import dataclasses
import glob
import os
import shutil
import socket
import subprocess
import tempfile
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from tfxkit import cli
from tfxkit.components.example_gen.tables import read_provenance

DATASET = {
    "task": "binary",
    "label": {"column": "churned", "positive": "yes"},
    "columns": {name: {"role": "numeric"} for name in ("id", "amount")}
    | {name: {"role": "categorical"} for name in ("town", "started", "member")},
    "evaluation": {"thresholds": {"auc": {"min": 0.5}}},
}
SCHEMA = {
    "id": "INT",
    "amount": "FLOAT",
    "town": "BYTES",
    "started": "BYTES",
    "member": "BYTES",
    "churned": "BYTES",
}
PASSWORD = "geheim :/@ü?"


@dataclasses.dataclass(frozen=True)
class IngestProject:
    """A project without data."""

    root: Path

    def configure(self, data=None, **section) -> None:
        base = {
            "pipeline": "tiny",
            "data": {"path": "data/tiny", **(data or {})},
            "ingest": section,
        }
        (self.root / "configs" / "base.yaml").write_text(yaml.safe_dump(base))

    def types(self, **types) -> None:
        features = {**SCHEMA, **types}
        text = "".join(f'feature {{ name: "{n}" type: {t} }}\n' for n, t in features.items() if t)
        (self.root / "configs" / "schema.pbtxt").write_text(text)

    def ingest(self, *arguments: str) -> int:
        return cli.main(["ingest", "--config-dir", str(self.root / "configs"), *arguments])

    def names(self) -> list[str]:
        """All that lies below the folder of spans, without the lock."""
        base = self.root / "data" / "tiny"
        found = sorted(str(path.relative_to(base)) for path in base.rglob("*"))
        return [name for name in found if name != ".ingest.lock"]

    def file(self, span: int, version: int = 1) -> str:
        return str(self.root / f"data/tiny/span-{span}/version-{version}/rows.parquet")

    def table(self, span: int, version: int = 1) -> pa.Table:
        return pq.read_table(self.file(span, version))

    def provenance(self, span: int, version: int = 1) -> dict:
        return read_provenance(self.file(span, version))


@pytest.fixture
def project(tmp_path) -> IngestProject:
    configs = tmp_path / "configs"
    configs.mkdir()
    (configs / "local.yaml").write_text("{}\n")
    (configs / "dataset.yaml").write_text(yaml.safe_dump(DATASET))
    project = IngestProject(tmp_path)
    project.types()
    return project


@dataclasses.dataclass(frozen=True)
class PostgreSQL:
    """A running server with a password."""

    port: int
    folder: Path
    binaries: Path

    @property
    def uri(self) -> str:
        return (
            f"postgresql://owner:{urllib.parse.quote(PASSWORD, '')}@127.0.0.1:{self.port}/postgres"
        )

    def sql(self, text: str) -> None:
        environment = {**os.environ, "PGPASSWORD": PASSWORD}
        address = ["-h", "127.0.0.1", "-p", str(self.port), "-U", "owner", "-d", "postgres"]
        command = [str(self.binaries / "psql"), *address, "-q", "-v", "ON_ERROR_STOP=1", "-c", text]
        subprocess.run(command, check=True, env=environment, capture_output=True, text=True)


def _binaries() -> Path | None:
    if found := shutil.which("initdb"):
        return Path(os.path.realpath(found)).parent
    folders = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"))
    return Path(folders[-1]).parent if folders else None


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    pytest.importorskip("adbc_driver_postgresql")
    binaries = _binaries()
    if binaries is None:
        pytest.skip("PostgreSQL is not installed")
    # The server refuses to run as root.
    user = {"user": "nobody"} if os.geteuid() == 0 else {}
    folder = Path(tempfile.mkdtemp(prefix="postgresql-"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (folder / "password").write_text(PASSWORD)
    if user:
        for path in (folder, folder / "password"):
            shutil.chown(path, user="nobody")
    data = str(folder / "data")
    options = ["-A", "scram-sha-256", "--pwfile", str(folder / "password"), "-U", "owner", "-N"]

    def execute(*command):
        quiet = {"stdout": subprocess.DEVNULL, "env": {"PATH": os.defpath}}
        subprocess.run(command, check=True, cwd="/", **quiet, **user)

    encoding = ["-E", "UTF8", "--locale", "C"]
    execute(str(binaries / "initdb"), "-D", data, *options, *encoding)
    settings = f"-p {port} -c listen_addresses=127.0.0.1 -k {folder} -c timezone=Asia/Tokyo"
    control = [str(binaries / "pg_ctl"), "-D", data, "-w", "-t", "300"]
    log = str(folder / "log")
    execute(*control, "-o", settings, "-l", log, "start")
    try:
        yield PostgreSQL(port, folder, binaries)
    finally:
        execute(*control, "-m", "immediate", "stop")
        shutil.rmtree(folder)
