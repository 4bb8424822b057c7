"""Checks of a configuration against files, schema and code, before heavy imports."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Mapping
from pathlib import Path

import yaml
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from tfxkit.config.data import DataConfig
from tfxkit.config.dataset import Dataset, Task
from tfxkit.config.engines import BeamConfig, ensure_job_server
from tfxkit.config.loading import SCHEMA_FILE, Config, ConfigError, project_path
from tfxkit.config.selection import Engine
from tfxkit.errors import documentation
from tfxkit.metrics import catalogue
from tfxkit.storage.step_cache import source_of
from tfxkit.values.reading import text_domain


def check(config: Config, config_dir: Path) -> None:
    """Checks a configuration against the schema, the code, the disk, and its engine.

    Raises:
        ConfigError: If `check_description` refuses it, if a folder of data does not exist, or if
            the engine cannot reach the artifacts of a run on this machine.
        UsageError: If the engine's job server does not answer.
    """
    check_description(config, config_dir)
    if config.data.reader is None:
        _check_folder(config.data.path, "data.path", config_dir)
    if config.bulk_inferrer.enabled:
        _check_folder(config.bulk_inferrer.path, "bulk_inferrer.path", config_dir)
    _check_engine(config.beam)


def check_description(config: Config, config_dir: Path) -> None:
    """Checks the parts of a configuration that are the same on each backend.

    Raises:
        ConfigError: If the schema does not fit (see `check_schema`), if there is no module with the
            steps or with the reader, or if a metric or one of its settings does not exist.
    """
    check_schema(config, config_dir)
    check_reader(config.data.reader)
    if not _is_module(config.dag):
        raise ConfigError(f"dag: there is no module {config.dag} with the steps")
    _check_metrics(config.dataset)


def check_schema(config: Config, config_dir: Path) -> None:
    """Checks the description of the data against the schema.

    Raises:
        ConfigError: If the schema cannot be read, lacks a column of the description or of the
            split, has a type for the latter that cannot be split, or for a number format that is
            no number, or has values of the label that the description lacks.
    """
    schema_file = config_dir / SCHEMA_FILE
    try:
        schema = text_format.Parse(schema_file.read_text(encoding="utf-8"), schema_pb2.Schema())
    except FileNotFoundError:
        raise ConfigError(f"There is no schema: {schema_file} is missing") from None
    except (text_format.ParseError, UnicodeDecodeError) as error:
        raise ConfigError(f"{schema_file} is not a valid schema: {error}") from None
    types = {f.name: schema_pb2.FeatureType.Name(f.type) for f in schema.feature}
    label = config.dataset.label
    columns = {*config.dataset.features(), label.column, label.times or label.column}
    for column in sorted(columns):
        _check_column(column, types, "dataset.yaml uses")
    _check_label(config.dataset, schema)
    _check_split(config.data, types)
    _check_formats(config.data, types)


def check_reader(module: str | None) -> None:
    """Checks that the module of the project's own data source exists, without importing it.

    Raises:
        ConfigError: If the module does not exist.
    """
    if module is not None and not _is_module(module):
        raise ConfigError(
            f"data.reader: there is no module {module}. Write it, for example, as "
            "components.orders for components/orders.py; see " + documentation("source")
        )


def _is_module(name: str) -> bool:
    """True if the module exists; neither it nor its packages are imported."""
    return name in sys.modules or source_of(name) is not None


def _check_metrics(dataset: Dataset) -> None:
    """Checks the metrics, except for functions and classes, whose modules may be heavy.

    Raises:
        ConfigError: If a metric does not exist, or cannot have its settings or thresholds.
    """
    metrics = catalogue.settings_of(dataset)
    try:
        for name, settings in metrics.items():
            if settings.class_name is None and settings.function is None:
                catalogue.define(dataset.task, dataset.label.classes, name, settings)
        if all(settings.class_name is None for settings in metrics.values()):
            catalogue.check_thresholds(dataset, metrics)  # a class may measure under several names
    except ValueError as error:
        raise ConfigError(f"No pipeline can be built from this configuration: {error}") from error


def _check_column(column: str, types: Mapping[str, str], user: str) -> None:
    if column in types:
        return
    near = difflib.get_close_matches(column, types, 1)
    hint = f"did you mean {near[0]}?" if near else "add it there, or remove it here"
    raise ConfigError(f"{user} the column {column!r}, which {SCHEMA_FILE} does not have; {hint}")


def _check_label(dataset: Dataset, schema: schema_pb2.Schema) -> None:
    """Refuses a domain of the label with values that no class stands for."""
    column, known = dataset.label.column, dataset.label_values()
    others = sorted({*text_domain(schema, column)} - {*known})
    if not known or not others:
        return
    where = (
        f"The domain of the label {column!r} in {SCHEMA_FILE} has {', '.join(map(repr, others))}"
    )
    if dataset.task is Task.MULTICLASS:
        classes = yaml.safe_dump([*known, *others], default_flow_style=True, allow_unicode=True)
        raise ConfigError(
            f"{where}, which dataset.yaml lacks. Add it to the classes, label.classes: "
            f"{' '.join(classes.split())}, or remove it from the schema"
        )
    raise ConfigError(
        f"{where} beside {' and '.join(map(repr, known))}, but the task binary has two values. "
        "Remove it from the schema and correct the data, or change the task to multiclass with "
        "label.classes in dataset.yaml"
    )


def _check_split(data: DataConfig, types: Mapping[str, str]) -> None:
    if data.split_by is not None:
        _check_column(data.split_by, types, "data.split_by names")
        if types[data.split_by] == "FLOAT":
            raise ConfigError(
                f"data.split_by: {data.split_by!r} is FLOAT in {SCHEMA_FILE}, and equal values are "
                "found among whole numbers and texts only; take a column of type INT or BYTES"
            )
    if data.split_at is not None:
        column = data.split_at.column
        _check_column(column, types, "data.split_at.column names")
        if (types[column] == "BYTES") != data.split_at.is_text:
            form = "text, in quotes" if types[column] == "BYTES" else "numbers"
            raise ConfigError(
                f"data.split_at.bounds: {column!r} is {types[column]} in {SCHEMA_FILE}; write the "
                f"bounds as {form}"
            )


def _check_formats(data: DataConfig, types: Mapping[str, str]) -> None:
    for name, column in data.columns.items():
        _check_column(name, types, "data.columns describes")
        if column.parse and types[name] == "BYTES":
            raise ConfigError(
                f"data.columns.{name}.parse: {name!r} is BYTES in {SCHEMA_FILE}, and text is not "
                "parsed; give it the type INT or FLOAT there, or remove parse"
            )


def _check_engine(beam: BeamConfig) -> None:
    if beam.engine is Engine.DATAFLOW:
        raise ConfigError(
            "Dataflow cannot read or write a folder of this machine, where a local run keeps its "
            "artifacts: run it on a backend whose pipeline root is gs://…; see "
            + documentation("scale")
        )
    if beam.job_server is not None:
        ensure_job_server(beam.job_server.job_endpoint)


def _check_folder(path: str, key: str, config_dir: Path) -> None:
    folder = project_path(path, config_dir)
    if "://" not in folder and not Path(folder).is_dir():
        raise ConfigError(f"There is no folder {folder} ({key} in the configuration)")
