"""Artifacts as our components describe them are the same on the other side of the backend.

Each is taken the whole way: TFX writes it, the entrypoint adapts it, the launcher reads it
strictly, the metadata store keeps it in its own types, and the next step gets it from there.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2
from tfx.components.util import examples_utils, model_utils
from tfx.orchestration.kubeflow.v2 import compiler_utils
from tfx.orchestration.kubeflow.v2.container import kubeflow_v2_entrypoint_utils as tfx_utils
from tfx.types import artifact_utils, standard_artifacts
from tfx.types.artifact import Artifact

from tests.kubeflow.emulator.metadata import MetadataStore, schema_of
from tests.kubeflow.emulator.protojson import from_text
from tfxkit.components.serving_check.verdict import ServingResult
from tfxkit.kubeflow.container import Launcher
from tfxkit.kubeflow.messages import adapt_input, adapt_output
from tfxkit.storage.artifacts import absence_reason, is_absent, mark_absent


@pytest.fixture
def passed_on(tmp_path: Path) -> Callable[[Artifact], Artifact]:
    """Hands an artifact from the step that made it to the next one."""
    launcher = Launcher(str(tmp_path))

    def pass_on(artifact: Artifact) -> Artifact:
        kind = os.fsdecode(compiler_utils.get_artifact_schema(type(artifact)))
        runtime = tfx_utils.to_runtime_artifact(artifact, {})
        written = pipeline_spec_pb2.ExecutorOutput()
        written.artifacts["key"].artifacts.append(runtime)
        adapted = adapt_output(json_format.MessageToDict(written), launcher)

        read = from_text(json.dumps(adapted), pipeline_spec_pb2.ExecutorOutput())
        stored = read.artifacts["key"].artifacts[0]
        stored.type.instance_schema = kind
        metadata = MetadataStore()
        number = metadata.record("key", schema_of(stored.type), stored, "minio")
        given = pipeline_spec_pb2.ExecutorInput()
        given.inputs.artifacts["key"].artifacts.append(metadata.runtime_artifact(number))

        told = adapt_input(
            {"outputs": {}, **json_format.MessageToDict(given)},
            {"artifacts": {"key": {"artifactType": {"instanceSchema": kind}}}},
            launcher,
        )
        final = json_format.ParseDict(told, pipeline_spec_pb2.ExecutorInput())
        [found] = tfx_utils.parse_raw_artifact_dict(final.inputs.artifacts, {})["key"]
        assert found.uri == artifact.uri
        return found

    return pass_on


def new(kind: type[Artifact], tmp_path: Path) -> Any:
    artifact = kind()
    artifact.uri = str(tmp_path / "minio" / "bucket" / "step" / "key")
    os.makedirs(os.path.dirname(artifact.uri))
    return artifact


@pytest.mark.parametrize("kind", [standard_artifacts.Model, standard_artifacts.ExampleStatistics])
def test_an_absent_baseline(passed_on, tmp_path, kind):
    artifact = new(kind, tmp_path)
    mark_absent(artifact, "No model is served from s3://bucket/serving yet.")
    found = passed_on(artifact)
    assert is_absent(found)
    assert absence_reason(found) == "No model is served from s3://bucket/serving yet."
    assert not is_absent(passed_on(new(kind, tmp_path / "other")))


def test_a_served_baseline(passed_on, tmp_path):
    model = new(standard_artifacts.Model, tmp_path)
    model.set_string_custom_property("served_version", "1700000000")
    found = passed_on(model)
    assert not is_absent(found)
    assert found.get_string_custom_property("served_version") == "1700000000"


@pytest.mark.parametrize("splits", [["train", "eval"], []])
def test_statistics_and_their_splits(passed_on, tmp_path, splits):
    statistics = new(standard_artifacts.ExampleStatistics, tmp_path)
    statistics.split_names = artifact_utils.encode_split_names(splits)
    statistics.span = 3
    found = passed_on(statistics)
    assert artifact_utils.decode_split_names(found.split_names) == splits
    assert found.span == 3


def test_examples_with_their_spans(passed_on, tmp_path):
    examples = new(standard_artifacts.Examples, tmp_path)
    examples.split_names = artifact_utils.encode_split_names(["train", "eval"])
    examples.set_string_custom_property("spans", "[1, 2]")
    examples.set_int_custom_property("span", 2)  # TFX has a property of this name as well
    examples.set_string_custom_property("input_fingerprint", "content:1")
    examples_utils.set_payload_format(examples, 6)
    examples_utils.set_file_format(examples, "tfrecords_gzip")
    found = passed_on(examples)
    assert found.get_string_custom_property("spans") == "[1, 2]"
    assert found.get_int_custom_property("span") == 2
    assert found.get_string_custom_property("input_fingerprint") == "content:1"
    assert artifact_utils.decode_split_names(found.split_names) == ["train", "eval"]
    assert examples_utils.get_payload_format(found) == 6
    assert examples_utils.get_file_format(found) == "tfrecords_gzip"


@pytest.mark.parametrize("blessed", [True, False])
def test_blessings(passed_on, tmp_path, blessed):
    model = new(standard_artifacts.ModelBlessing, tmp_path / "model")
    model.uri = str(tmp_path / "minio" / "bucket" / "blessing")
    model.set_int_custom_property("blessed", int(blessed))
    model.set_string_custom_property("current_model", str(tmp_path / "minio" / "bucket" / "model"))
    found = passed_on(model)
    assert model_utils.is_model_blessed(found) == blessed
    assert found.get_string_custom_property("current_model") == "minio://bucket/model"

    infra = new(standard_artifacts.InfraBlessing, tmp_path)
    ServingResult(blessed=blessed, reason="The model is slow.", latency_ms=1.25).write(infra)
    found = passed_on(infra)
    assert model_utils.is_infra_validated(found) == blessed
    assert found.get_string_custom_property("reason") == "The model is slow."
    assert found.get_float_custom_property("latency_ms") == 1.25


@pytest.mark.parametrize("value", ['{"findings": []}', {"a": [1, None]}, None])
def test_the_findings_of_the_gate(passed_on, tmp_path, value):
    findings = new(standard_artifacts.JsonValue, tmp_path)
    findings.write(value)
    assert passed_on(findings).read() == value


def test_lists_and_mappings(passed_on, tmp_path):
    model = new(standard_artifacts.Model, tmp_path)
    model.set_json_value_custom_property("list", [1.0, {"struct": {}}])
    model.set_json_value_custom_property("mapping", {"list": [2.0]})
    found = passed_on(model)
    assert found.get_json_value_custom_property("list") == [1.0, {"struct": {}}]
    assert found.get_json_value_custom_property("mapping") == {"list": [2.0]}
