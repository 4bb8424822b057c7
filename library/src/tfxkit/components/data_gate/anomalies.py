"""Reads what ExampleValidator found, and adds the bounds that its texts leave out."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping

from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_metadata.proto.v0.anomalies_pb2 import Anomalies, AnomalyInfo
from tfx import types
from tfx.components.example_validator import executor as example_validator
from tfx.types import artifact_utils

from tfxkit.components.data_gate.findings import Finding, Severity
from tfxkit.storage.filesystems import fileio

WHOLE = "(all columns)"
_SEVERITIES: dict[int, Severity] = {AnomalyInfo.WARNING: "warning", AnomalyInfo.ERROR: "error"}


def read(artifact: types.Artifact, schema: schema_pb2.Schema) -> list[Finding]:
    """Reads the anomalies of all splits.

    Args:
        artifact: `ExampleAnomalies`, as ExampleValidator writes them.
        schema: The schema that the data was held to.

    Returns:
        A finding for each reason that ExampleValidator gives.
    """
    features = {feature.name: feature for feature in schema.feature}
    findings: list[Finding] = []
    for split in artifact_utils.decode_split_names(artifact.split_names):
        folder = artifact_utils.get_split_uri([artifact], split)
        with fileio.open(os.path.join(folder, example_validator.DEFAULT_FILE_NAME), "rb") as file:
            anomalies = Anomalies.FromString(file.read())
        findings += findings_of(anomalies, split, features)
    return findings


def findings_of(
    anomalies: Anomalies, split: str, features: Mapping[str, schema_pb2.Feature]
) -> Iterator[Finding]:
    """A finding for each reason in the anomalies of a split.

    Args:
        anomalies: As TFDV finds them.
        split: What to call the split.
        features: Those of the schema, by name.
    """
    if anomalies.data_missing:
        yield Finding(WHOLE, "There are no rows.", split, "anomaly", "error")
    if anomalies.HasField("dataset_anomaly_info"):
        info = anomalies.dataset_anomaly_info
        for reason in info.reason:
            yield Finding(WHOLE, reason.description, split, "anomaly", _severity(info))
    for info in anomalies.anomaly_info.values():
        column = ".".join(info.path.step)
        for reason in info.reason:
            what = f"{reason.short_description}: {_tidy(reason.description)}"
            if bound := _bound(reason.type, features.get(column, schema_pb2.Feature())):
                what = f"{what}; {bound}"
            yield Finding(column, what, split, "anomaly", _severity(info))


def _severity(info: AnomalyInfo) -> Severity:
    return _SEVERITIES.get(info.severity, "error")


def _tidy(description: str) -> str:
    return description.replace("(upto six significant digits)", "").strip().rstrip(".")


def _bound(reason: int, feature: schema_pb2.Feature) -> str:
    if reason == AnomalyInfo.INT_TYPE_BIG_INT:
        return f"at most {feature.int_domain.max} is allowed"
    if reason == AnomalyInfo.INT_TYPE_SMALL_INT:
        return f"at least {feature.int_domain.min} is allowed"
    if reason == AnomalyInfo.ENUM_TYPE_UNEXPECTED_STRING_VALUES:
        constraints = feature.distribution_constraints  # its default for min_domain_mass is 1
        return f"in {1.0 - constraints.min_domain_mass:.2%} of the rows they are allowed"
    return ""
