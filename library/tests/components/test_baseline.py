"""Baseline hands on what is served now, or says why there is nothing to compare with."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import text_format
from ml_metadata.proto import metadata_store_pb2
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx.components.schema_gen.import_schema_gen.component import ImportSchemaGen
from tfx.dsl.components.base import base_executor
from tfx.orchestration import metadata, pipeline
from tfx.orchestration.local.local_dag_runner import LocalDagRunner
from tfx.types import standard_artifacts
from tfx.utils import io_utils

from tfxkit.components.baseline import Baseline
from tfxkit.components.baseline.component import BaselineExecutor, incompatibility
from tfxkit.errors import StorageError
from tfxkit.storage.filesystems import fileio


def run_executor(
    folder: Path, serving_dir: Path | str, dataset: dict[str, Any], schema: str
) -> tuple[standard_artifacts.Model, standard_artifacts.ExampleStatistics]:
    schema_artifact = standard_artifacts.Schema()
    schema_artifact.uri = str(folder / "schema")
    model, statistics = standard_artifacts.Model(), standard_artifacts.ExampleStatistics()
    model.uri, statistics.uri = str(folder / "model"), str(folder / "statistics")
    for artifact in (schema_artifact, model, statistics):
        Path(artifact.uri).mkdir(parents=True)
    (folder / "schema" / "schema.pbtxt").write_text(schema)
    BaselineExecutor(base_executor.BaseExecutor.Context()).Do(
        {"schema": [schema_artifact]},
        {"model": [model], "statistics": [statistics]},
        {"serving_dir": str(serving_dir), "dataset": json.dumps(dataset)},
    )
    return model, statistics


def test_the_baseline_comes_from_s3_as_from_a_folder(
    s3: str,
    tmp_path: Path,
    dataset: dict[str, Any],
    schema_text: str,
    write_version: Callable[..., Path],
) -> None:
    nothing = run_executor(tmp_path / "before", f"{s3}/serving", dataset, schema_text)
    assert all(is_absent(artifact) for artifact in nothing)

    version = write_version(tmp_path / "serving", 10)
    io_utils.copy_dir(str(version), f"{s3}/serving/10")
    io_utils.copy_dir(str(version), f"{s3}/serving/11")
    fileio.remove(f"{s3}/serving/11/saved_model.pb")
    model, statistics = run_executor(tmp_path / "after", f"{s3}/serving", dataset, schema_text)

    assert not is_absent(model) and not is_absent(statistics)
    assert model.get_string_custom_property("served_version") == "10"
    for folder, copy in (("", model), ("/assets.extra/statistics", statistics)):
        original = Path(f"{version}{folder}")
        target = Path(copy.uri) / ("Format-Serving" if copy is model else "")
        names = {path.relative_to(original) for path in original.rglob("*") if path.is_file()}
        assert names
        assert names == {path.relative_to(target) for path in target.rglob("*") if path.is_file()}
        assert all((original / one).read_bytes() == (target / one).read_bytes() for one in names)


def test_a_serving_folder_that_cannot_be_asked_is_no_missing_baseline(
    s3_environment: None, tmp_path: Path, dataset: dict[str, Any], schema_text: str
) -> None:
    with pytest.raises(StorageError, match="no bucket 'no-bucket'"):
        run_executor(tmp_path, "s3://no-bucket/serving", dataset, schema_text)


def is_absent(artifact: Any) -> bool:
    marked = artifact.get_int_custom_property("tfx_absent") == 1
    assert [path.name for path in Path(artifact.uri).iterdir()] == ["ABSENT"] if marked else True
    return marked


def test_the_newest_complete_version_and_its_statistics_are_handed_on(
    tmp_path: Path,
    dataset: dict[str, Any],
    schema_text: str,
    write_version: Callable[..., Path],
) -> None:
    serving = tmp_path / "serving"
    write_version(serving, 9, fingerprint="older")
    newest = write_version(serving, 10, fingerprint="newest")
    half = write_version(serving, 11, fingerprint="half")
    (half / "saved_model.pb").unlink()

    model, statistics = run_executor(tmp_path, serving, dataset, schema_text)

    assert not is_absent(model) and not is_absent(statistics)
    assert model.get_string_custom_property("served_version") == "10"
    assert model.get_string_custom_property("fingerprint") == "newest"
    copy = Path(model.uri) / "Format-Serving"
    files = {path.relative_to(newest) for path in newest.rglob("*") if path.is_file()}
    assert files == {path.relative_to(copy) for path in copy.rglob("*") if path.is_file()}
    assert all((newest / file).read_bytes() == (copy / file).read_bytes() for file in files)
    assert sorted(statistics.splits) == ["eval", "train"]
    for split in statistics.splits:
        name = f"Split-{split}/FeatureStats.pb"
        original = newest / "assets.extra/statistics" / name
        assert (Path(statistics.uri) / name).read_bytes() == original.read_bytes()


def test_nothing_served_gives_two_absent_artifacts(
    tmp_path: Path, dataset: dict[str, Any], schema_text: str
) -> None:
    model, statistics = run_executor(tmp_path, tmp_path / "nowhere", dataset, schema_text)
    assert is_absent(model) and is_absent(statistics)
    assert "No model is served" in model.get_string_custom_property("reason")
    assert statistics.splits == []


def test_another_label_is_no_baseline_and_the_log_says_so(
    tmp_path: Path,
    dataset: dict[str, Any],
    schema_text: str,
    write_version: Callable[..., Path],
    caplog: pytest.LogCaptureFixture,
) -> None:
    write_version(tmp_path / "serving", 7)
    dataset["label"]["greater_than"] = 0.1

    model, statistics = run_executor(tmp_path, tmp_path / "serving", dataset, schema_text)

    assert is_absent(model) and is_absent(statistics)
    reason = model.get_string_custom_property("reason")
    assert "served model 7 is no baseline" in reason and "0.2" in reason and "0.1" in reason
    assert [r.levelname for r in caplog.records if r.message == reason] == ["WARNING"]


@pytest.mark.parametrize(
    ("change", "in_schema", "says"),
    [
        ({"task": "regression"}, ("", ""), "another task: binary, not regression"),
        ({"label": {"column": "trip_miles"}}, ("", ""), "another label"),
        ({}, ('"fare"', '"price"'), "'fare', which the schema has no more"),
        ({}, ('"company" type: BYTES', '"company" type: INT'), "'company' as BYTES, which is INT"),
        # Not needed by the served model:
        ({}, ('"note" type: BYTES', '"note" type: INT'), None),
        ({}, ('"note" type: BYTES }', '"note" type: BYTES } feature { name: "tolls" }'), None),
        ({"columns": {"tolls": {"role": "numeric"}}}, ("", ""), None),
        # An option of the label that came later and is not used:
        (
            {"label": {"column": "tips", "times": "fare", "greater_than": 0.2, "new": None}},
            ("", ""),
            None,
        ),
        # The value that counts as 0 is named since:
        (
            {"label": {"column": "tips", "times": "fare", "greater_than": 0.2, "negative": "no"}},
            ("", ""),
            None,
        ),
    ],
)
def test_what_makes_a_served_model_incomparable(
    *,
    tmp_path: Path,
    dataset: dict[str, Any],
    schema_text: str,
    write_version: Callable[..., Path],
    change: dict[str, Any],
    in_schema: tuple[str, str],
    says: str | None,
) -> None:
    version = write_version(tmp_path, 7)
    today = text_format.Parse(schema_text.replace(*in_schema), schema_pb2.Schema())
    found = incompatibility(str(version), dataset | change, today)
    assert found is None if says is None else says in (found or "")


@pytest.mark.parametrize("config", ["not json", "{}", '{"dataset": {"task": "binary"}}', "[]"])
def test_a_version_with_an_unreadable_past_is_no_baseline(
    tmp_path: Path, dataset: dict[str, Any], write_version: Callable[..., Path], config: str
) -> None:
    version = write_version(tmp_path, 7)
    (version / "assets.extra/config.json").write_text(config)
    assert "does not say" in str(incompatibility(str(version), dataset, None))


def test_cached_while_what_is_served_stays_the_same(
    tmp_path: Path,
    dataset: dict[str, Any],
    schema_text: str,
    write_version: Callable[..., Path],
) -> None:
    serving, schema_file = tmp_path / "serving", tmp_path / "schema.pbtxt"
    schema_file.write_text(schema_text)
    connection = metadata.sqlite_metadata_connection_config(str(tmp_path / "metadata.sqlite"))

    def run() -> str:
        schema = ImportSchemaGen(schema_file=str(schema_file))
        baseline = Baseline(str(serving), dataset, schema=schema.outputs["schema"])
        LocalDagRunner().run(
            pipeline.Pipeline(
                pipeline_name="p",
                pipeline_root=str(tmp_path / "root"),
                components=[schema, baseline],
                metadata_connection_config=connection,
                enable_cache=True,
            )
        )
        return last_execution()

    def last_execution() -> str:
        with metadata.Metadata(connection) as handle:
            kind = "tfxkit.components.baseline.component.Baseline"
            execution = max(handle.store.get_executions_by_type(kind), key=lambda e: e.id)
            state = metadata_store_pb2.Execution.State.Name(execution.last_known_state)
            [model] = [
                artifact
                for event in handle.store.get_events_by_execution_ids([execution.id])
                if event.path.steps[0].key == "model"
                for artifact in handle.store.get_artifacts_by_id([event.artifact_id])
            ]
            version = model.custom_properties["served_version"].string_value
            return f"{state} {version or 'absent'}"

    assert run() == "COMPLETE absent"
    assert run() == "CACHED absent"
    write_version(serving, 1, fingerprint="a")
    assert run() == "COMPLETE 1"
    assert run() == "CACHED 1"
    second = write_version(serving, 2, fingerprint="b")
    assert run() == "COMPLETE 2"
    (second / "assets.extra/fingerprint").write_text("c")  # replaced under the same number
    assert run() == "COMPLETE 2"
    shutil.rmtree(second)  # a roll-back
    assert run() == "CACHED 1"
    shutil.rmtree(serving)
    assert run() == "CACHED absent"
