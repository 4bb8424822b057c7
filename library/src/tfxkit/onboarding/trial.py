"""Trial of the files that `init` proposes: loaded as by a run, and held to the examined rows."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
from google.protobuf import text_format
from numpy.typing import NDArray
from tensorflow_data_validation.api.validation_api import validate_statistics
from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatisticsList

from tfxkit.components.example_gen import spans
from tfxkit.config import loading
from tfxkit.config.dataset import Role
from tfxkit.errors import DataError, UsageError
from tfxkit.onboarding.plan import Plan
from tfxkit.onboarding.profile import column_statistics
from tfxkit.onboarding.source import Source, suffix
from tfxkit.onboarding.table import Table
from tfxkit.runs import validation
from tfxkit.values.columns import read_column
from tfxkit.values.reading import Reading

OVERLAYS = ("local", "fast")  # must hold as well


def check_spans(source: Source) -> None:
    """Selects the files of a folder of spans as a run does, and compares name and content.

    Raises:
        UsageError: If a run would refuse a file, or read it as another format.
    """
    if source.spans is None:
        return
    try:
        spans.select(str(source.spans), spans.range_config("all"))
    except DataError as error:
        raise UsageError(f"--data: {error}") from None
    for path in source.files:
        if not path.name.endswith(suffix(path)):
            raise UsageError(
                f"--data: {path} has the content of a {suffix(path)} file, and a run reads it by "
                "its name. Rename it."
            )


def check_files(config_dir: Path, texts: Mapping[str, str], table: Table, plan: Plan) -> None:
    """Loads the new files with the existing overlays, and reads the examined rows by them.

    Args:
        config_dir: The folder of configurations.
        texts: Texts by name of the file.
        table: The examined rows.
        plan: The values as `init` understood them.

    Raises:
        ConfigError: If the files are invalid: a bug of this package.
        RuntimeError: If a first run would refuse its own data, or read other values: another bug.
    """
    with tempfile.TemporaryDirectory() as folder:
        trial = Path(folder, "configs")
        trial.mkdir()
        for path in config_dir.glob("*.yaml"):
            shutil.copy(path, trial)
        for name, content in texts.items():
            (trial / name).write_text(content, encoding="utf-8")
        for overlay in OVERLAYS:
            if (trial / f"{overlay}.yaml").exists():
                config = loading.load(trial, [overlay])
                validation.check_schema(config, trial)
                _check_rows(config, texts["schema.pbtxt"], table, plan)


def _check_rows(config: loading.Config, schema_text: str, table: Table, plan: Plan) -> None:
    schema = text_format.Parse(schema_text, schema_pb2.Schema())
    reading = Reading.of(schema, config.data.csv, config.data.columns)
    for name, how in reading.columns.items():
        values = pa.concat_arrays([read_column(each, how, reading) for each in table.columns[name]])
        ignored = name in plan.roles and plan.roles[name].role is Role.IGNORED
        if not ignored and not values.equals(plan.columns[name].values):
            raise RuntimeError(f"A run would read other values of {name!r} than init.")
    for split in _splits(plan):
        statistics = _statistics(plan, split)
        anomalies = validate_statistics(statistics, schema, environment="TRAINING")
        for name, anomaly in anomalies.anomaly_info.items():
            raise RuntimeError(f"The first run would refuse {name!r}: {anomaly.description}")


def _splits(plan: Plan) -> Iterator[NDArray[np.bool_]]:
    """Rows with a label of each split; of all, where they are drawn at random."""
    labelled = plan.label.values.is_valid().to_numpy(zero_copy_only=False)
    if plan.in_eval is None:
        yield labelled
    else:
        yield labelled & ~plan.in_eval
        yield labelled & plan.in_eval


def _statistics(plan: Plan, rows: NDArray[np.bool_]) -> DatasetFeatureStatisticsList:
    """Statistics of the readable columns in some rows."""
    mask = pa.array(rows)
    columns = {
        name: column.values.filter(mask)
        for name, column in plan.columns.items()
        if column.is_readable
    }
    statistics = DatasetFeatureStatisticsList()
    dataset = statistics.datasets.add(num_examples=int(rows.sum()))
    dataset.features.extend(column_statistics(columns).values())
    return statistics
