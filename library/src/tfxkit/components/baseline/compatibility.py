"""Whether a served model can be compared with the one to be trained."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from typing import Any

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from tfxkit.storage import served_model
from tfxkit.storage.filesystems import fileio


def incompatibility(
    version_dir: str, dataset: Mapping[str, Any], schema: schema_pb2.Schema | None
) -> str | None:
    """Says why a served version is no baseline for a model of today's dataset.

    Args:
        version_dir: A complete version, see `tfxkit.storage.served_model`.
        dataset: `Dataset.for_model()` of today.
        schema: The schema of today's data; None to compare no features.

    Returns:
        The end of a sentence that begins with the version, or None if the model is comparable.
    """
    try:
        served, served_schema = _read(version_dir)
    except (ValueError, KeyError, TypeError, text_format.ParseError) as error:
        return f"does not say what it was trained on: {error!r}"
    if served["task"] != dataset["task"]:
        return f"solves another task: {served['task']}, not {dataset['task']}"
    if _given(served["label"]) != _given(dataset["label"]):
        then, now = (json.dumps(_given(one["label"])) for one in (served, dataset))
        return f"predicts another label: {then}, not {now}"
    needed = served_model.columns(version_dir)
    return None if schema is None else _feature_change(needed, served_schema, schema)


def _read(version_dir: str) -> tuple[dict[str, Any], schema_pb2.Schema]:
    with fileio.open(os.path.join(version_dir, served_model.CONFIG), "r") as file:
        dataset = json.loads(file.read())["dataset"]
    with fileio.open(os.path.join(version_dir, served_model.SCHEMA), "r") as file:
        schema = text_format.Parse(file.read(), schema_pb2.Schema())
    if missing := {"task", "label", "columns"} - dataset.keys():
        raise KeyError(*sorted(missing))
    return dataset, schema


def _given(label: Mapping[str, Any]) -> dict[str, Any]:
    """Only what is set, so that an option added later does not make another label of this one."""
    return {key: value for key, value in sorted(label.items()) if value not in (None, [], "")}


def _feature_change(
    needed: Iterable[str], then: schema_pb2.Schema, now: schema_pb2.Schema
) -> str | None:
    types_then = {feature.name: feature.type for feature in then.feature}
    types_now = {feature.name: feature.type for feature in now.feature}
    for name in sorted(needed):
        if name not in types_now:
            return f"needs the feature {name!r}, which the schema has no more"
        if types_then.get(name, types_now[name]) != types_now[name]:
            before, after = map(schema_pb2.FeatureType.Name, (types_then[name], types_now[name]))
            return f"needs the feature {name!r} as {before}, which is {after} in the schema"
    return None
