"""What is wrong with a configuration and shows before anything heavy is loaded: files, columns."""

from __future__ import annotations

import difflib
from pathlib import Path

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from pipeline.config import SCHEMA_FILE, Config, ConfigError, project_path
from pipeline.config_sections import BeamConfig
from pipeline.engine import Engine, ensure_job_server


def check(config: Config, config_dir: Path) -> None:
    """Holds a configuration to the schema, to what is on the disk, and to its engine.

    Raises:
        ConfigError: If the schema does not fit (see `check_schema`), if a folder of data is not
            there, or if the engine cannot see the artifacts of a run on this machine.
        UsageError: If the engine's job server does not answer.
    """
    check_schema(config, config_dir)
    _check_folder(config.data.path, "data.path", config_dir)
    if config.bulk_inferrer.enabled:
        _check_folder(config.bulk_inferrer.path, "bulk_inferrer.path", config_dir)
    _check_engine(config.beam)


def check_schema(config: Config, config_dir: Path) -> None:
    """Holds the description of the data to the schema.

    Raises:
        ConfigError: If the schema cannot be read or lacks a column that the data is described with.
    """
    schema_file = config_dir / SCHEMA_FILE
    try:
        schema = text_format.Parse(schema_file.read_text(encoding="utf-8"), schema_pb2.Schema())
    except FileNotFoundError:
        raise ConfigError(f"There is no schema: {schema_file} is missing") from None
    except (text_format.ParseError, UnicodeDecodeError) as error:
        raise ConfigError(f"{schema_file} is not a valid schema: {error}") from None
    names = [feature.name for feature in schema.feature]
    label = config.dataset.label
    wanted = {*config.dataset.features(), label.column, label.times or label.column}
    for column in sorted(wanted - set(names)):
        near = difflib.get_close_matches(column, names, 1)
        hint = f"did you mean {near[0]}?" if near else "add it there, or remove it here"
        raise ConfigError(
            f"dataset.yaml uses the column {column!r}, which {SCHEMA_FILE} does not have; {hint}"
        )


def _check_engine(beam: BeamConfig) -> None:
    if beam.engine is Engine.DATAFLOW:
        raise ConfigError(
            "Dataflow cannot read or write a folder of this machine, where a local run keeps its "
            "artifacts: run it on a backend whose pipeline root is gs://… (docs/scale.md)"
        )
    if beam.job_server is not None:
        ensure_job_server(beam.job_server.job_endpoint)


def _check_folder(path: str, key: str, config_dir: Path) -> None:
    found = project_path(path, config_dir)
    if "://" not in found and not Path(found).is_dir():
        raise ConfigError(f"There is no folder {found} ({key} in the configuration)")
