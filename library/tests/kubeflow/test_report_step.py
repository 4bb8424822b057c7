"""The last step on a cluster: a page of artifacts alone, which says what a local page says."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
from pathlib import Path

import pytest
from tfx.types import standard_artifacts

from tfxkit.config.loading import load
from tfxkit.kubeflow import artifact_types
from tfxkit.kubeflow.report_step import HTML, READS, Report, ReportExecutor
from tfxkit.runs.dag_building import build_components
from tfxkit.runs.metadata import RunMetadata
from tfxkit.runs.places import Places
from tfxkit.storage.filesystems import client

RUN = "0f0ae84c-6a4f-4c5e-8a3e-0e8c1a1d2b3c"
TASK = "1d2e3f40-0000-4000-8000-000000000000"


def handed_over(project):
    """The artifacts of a real run as they arrive in a container: all properties are JSON values."""
    found = RunMetadata(project.outputs.metadata, project.latest().run_id).outputs()
    inputs = {}
    for name, (step, key, kind) in READS.items():
        artifact = kind()
        artifact.uri = found[step][key].uri
        for each, value in found[step][key].properties.items():
            if each in (kind.PROPERTIES or {}):
                setattr(artifact, each, value)
            else:  # numbers have become doubles on their way
                as_json = float(value) if isinstance(value, int) else value
                artifact.set_json_value_custom_property(each, as_json)
        inputs[name] = [artifact]
    return inputs


def report_of(project):
    """The step, as it is compiled."""
    config = load(project.configs, ["fast"], ())
    schema = str(project.configs / "schema.pbtxt")
    components = build_components(config, Places("data", schema, "serving", "checkpoints"))
    return Report(components, config, project.configs)


def settings_of(project):
    """The parameters of the step, as it is compiled."""
    return dict(report_of(project).exec_properties)


def page_of(inputs, settings, folder):
    page = HTML()
    page.uri = f"{folder}/pipeline-root/trips/{RUN}/Report/{TASK}/page"
    ReportExecutor().Do(inputs, {"page": [page]}, settings)
    assert page.uri.endswith("/page.html")
    return Path(page.uri).read_text()


@pytest.mark.slow
def test_the_page_says_what_the_page_of_the_same_run_on_this_machine_says(project, tmp_path):
    (project.configs / "model_card.yaml").write_text("limits: [It knows <b>nothing</b> of rain.]\n")
    page = page_of(handed_over(project), settings_of(project), tmp_path)
    page = page.replace(f"{project.outputs.root}/", "")  # which the local one leaves out
    local = project.report()
    version = project.served()[0]
    assert f"Pushed as version {version}" in page and f"Pushed as version {version}" in local
    assert f"run {RUN}" in page
    for section in ("quality", "curves", "data", "features"):
        assert part(page, section) == part(local, section), section
    assert 'id="steps"' not in page and "did not come so far" not in page
    assert "could not be made" not in page and str(tmp_path) not in page
    assert "It knows &lt;b&gt;nothing&lt;/b&gt; of rain." in page


@pytest.mark.slow
def test_artifacts_in_a_store_that_only_tfx_opens_make_the_same_page(
    project, s3_environment, tmp_path
):
    inputs, settings = handed_over(project), settings_of(project)
    here = page_of(inputs, settings, tmp_path / "here")
    store = client()
    store.create_bucket(Bucket="report")
    for name, [artifact] in inputs.items():
        source = Path(artifact.uri)
        for file in source.rglob("*") if source.is_dir() else [source]:
            if file.is_file():
                key = f"{name}/{file.relative_to(source)}" if source.is_dir() else name
                store.upload_file(str(file), "report", key)
        artifact.uri = f"s3://report/{name}"
    there = page_of(inputs, settings, tmp_path / "there")
    for section in ("quality", "curves", "data", "features", "origin"):
        assert part(there, section) == part(here, section), section


def part(page, key):
    [found] = re.findall(rf'(?s)<section id="{key}".*?</section>', page)
    return found


@pytest.mark.slow
def test_bounds_of_the_run_are_shown_and_not_those_of_the_package(project, tmp_path):
    settings = settings_of(project)
    evaluation = json.loads(settings["evaluation"])
    evaluation["thresholds"]["auc"]["min"] = 0.123
    changed = {**settings, "evaluation": json.dumps(evaluation)}
    assert "≥ 0.123" in page_of(handed_over(project), changed, tmp_path)


@pytest.mark.slow
def test_a_page_that_cannot_be_made_says_so_and_fails_no_run(project, tmp_path):
    inputs = handed_over(project)
    inputs["model_evaluation"][0].uri = str(tmp_path / "<gone>")
    page = page_of(inputs, settings_of(project), tmp_path)
    assert "No report could be made" in page and "&lt;gone&gt;" in page


def test_the_settings_of_the_step_are_the_same_wherever_it_is_compiled(fresh_project, tmp_path):
    here = settings_of(fresh_project)
    shutil.copytree(fresh_project.configs, tmp_path / "elsewhere" / "configs")
    there = settings_of(dataclasses.replace(fresh_project, root=tmp_path / "elsewhere"))
    assert here == there


def test_the_type_is_put_in_place_where_a_message_has_it_and_nowhere_else(
    fresh_project, monkeypatch
):
    classes = artifact_types.classes_of(report_of(fresh_project))
    monkeypatch.setenv(artifact_types.CLASSES_VARIABLE, json.dumps(classes))

    def message(title):
        page = {"uri": "s3://b/page", "type": {"schemaTitle": title}}
        return {
            "inputs": {},
            "outputs": {"outputFile": "f", "artifacts": {"page": {"artifacts": [page]}}},
        }

    outputs = artifact_types.recover_classes(message("system.HTML"))["outputs"]
    [page] = outputs["artifacts"]["page"]["artifacts"]
    module, _, name = page["type"]["schemaTitle"].rpartition(".")
    assert getattr(__import__(module, fromlist=[name]), name) is HTML
    for other in ("system.Artifact", "tfx.Model"):
        assert artifact_types.recover_classes(message(other)) == message(other)


@pytest.mark.parametrize("output", [HTML, standard_artifacts.Model])
def test_only_the_page_is_declared_for_the_ui(output):
    from tfx.orchestration.kubeflow.v2 import compiler_utils

    schema = compiler_utils.get_artifact_schema(output)
    text = schema.decode() if isinstance(schema, bytes) else schema
    spec = {
        "components": {
            "a": {
                "outputDefinitions": {
                    "artifacts": {"x": {"artifactType": {"instanceSchema": text}}}
                }
            },
            "b": {},
        }
    }
    artifact_types.declare_page(spec)
    found = spec["components"]["a"]["outputDefinitions"]["artifacts"]["x"]["artifactType"]
    assert (found.get("schemaTitle") == "system.HTML") == (output is HTML)
