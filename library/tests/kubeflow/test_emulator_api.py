"""The emulated API api_server, spoken to by the official kfp_client."""

import json

import pytest

from tests.kubeflow.refusals import refusal
from tests.kubeflow.small_packages import SHOW, Script, shown, spec_of, text_of

SPEC = spec_of({"A": Script(SHOW, inputs={"path": "path"})}, {"path": {"parameterType": "STRING"}})
WITH_RESOLVER = spec_of({"A": Script()})
WITH_RESOLVER["deploymentSpec"]["executors"]["A_executor"] = {
    "resolver": {"outputArtifactQueries": {}}
}


@pytest.fixture
def package(tmp_path):
    """Writes a package and returns its path."""

    def write(spec=SPEC, kubernetes=None):
        path = tmp_path / "package.yaml"
        path.write_text(text_of(spec, kubernetes))
        return str(path)

    return write


def test_a_run_is_created_waited_for_and_shown(kfp_client, api_server, package, s3):
    result = kfp_client.create_run_from_pipeline_package(
        package(kubernetes={"A_executor": {"imagePullPolicy": "Always"}}),
        arguments={"path": "gs://data"},
        run_name="first",
        experiment_name="tests",
        pipeline_root=f"s3://{s3.bucket}/elsewhere",
        enable_caching=False,
    )
    run = kfp_client.wait_for_run_completion(result.run_id, timeout=60, sleep_duration=0.2)

    assert run.state == "SUCCEEDED"
    assert run.display_name == "first"
    assert run.runtime_config.parameters == {"path": "gs://data"}
    assert [state.state for state in run.state_history] == ["PENDING", "RUNNING", "SUCCEEDED"]
    assert run.finished_at >= run.created_at
    states = {task.display_name: task.state for task in run.run_details.task_details}
    inner = {"root-driver", "root", "A-driver", "A", "executor"}
    assert states.keys() - inner == {api_server.runs.find(run.run_id).workflow_name}
    assert set(states.values()) == {"SUCCEEDED"}
    given = shown(api_server.runs.find(result.run_id))
    assert given["inputs"]["parameterValues"] == {"path": "gs://data"}
    assert f"/s3/{s3.bucket}/elsewhere/small/" in given["outputs"]["outputFile"]
    experiment = kfp_client.get_experiment(experiment_name="tests")
    assert run.experiment_id == experiment.experiment_id
    assert [
        found.run_id for found in kfp_client.list_runs(experiment_id=run.experiment_id).runs
    ] == [run.run_id]


def test_a_run_that_failed_says_so_and_no_more(kfp_client, package):
    result = kfp_client.create_run_from_pipeline_package(
        package(spec_of({"A": Script("sys.exit(1)"), "B": Script(task={"dependentTasks": ["A"]})}))
    )
    run = kfp_client.wait_for_run_completion(result.run_id, timeout=60, sleep_duration=0.2)

    assert (run.state, run.error) == ("FAILED", None)
    states = {task.display_name: task.state for task in run.run_details.task_details}
    assert (states["A"], states["B"]) == ("FAILED", None)


@pytest.mark.parametrize(
    ("spec", "arguments", "reply"),
    [
        (SPEC | {"schemaVersion": "2.0.0"}, {}, (500, "KFP only supports schema version 2.1.0")),
        (WITH_RESOLVER, {}, (500, "non-container and non-importer executor not implemented")),
        (spec_of({"a_b": Script()}), {}, (500, "'a_b-driver' is invalid: name must consist of")),
        (SPEC, {"path": "x", "nope": 1}, (400, "provided are not required by pipeline: nope")),
        (SPEC, {}, (400, "parameter path is not optional")),
        (SPEC, {"path": 1}, (400, "input parameter path requires type string")),
    ],
)
def test_a_run_is_refused(kfp_client, package, spec, arguments, reply):
    status, text = refusal(
        lambda: kfp_client.create_run_from_pipeline_package(package(spec), arguments=arguments)
    )

    assert status == reply[0]
    assert reply[1] in text
    assert "Failed to create a new run" in text


def test_an_experiment_is_made_once(kfp_client):
    first = kfp_client.create_experiment("tests")

    assert kfp_client.create_experiment("tests").experiment_id == first.experiment_id
    assert [found.display_name for found in kfp_client.list_experiments().experiments] == [
        "Default",
        "tests",
    ]


def test_a_pipeline_is_uploaded_with_versions_and_run(kfp_client, package):
    pipeline = kfp_client.upload_pipeline(package(), pipeline_name="taxi")
    version = kfp_client.upload_pipeline_version(
        package(), pipeline_version_name="v2", pipeline_id=pipeline.pipeline_id
    )
    experiment = kfp_client.create_experiment("tests")
    run = kfp_client.run_pipeline(
        experiment.experiment_id,
        "of version 2",
        pipeline_id=pipeline.pipeline_id,
        version_id=version.pipeline_version_id,
        params={"path": "x"},
    )

    assert kfp_client.get_pipeline_id("taxi") == pipeline.pipeline_id
    assert len(kfp_client.list_pipeline_versions(pipeline.pipeline_id).pipeline_versions) == 2
    assert kfp_client.wait_for_run_completion(run.run_id, 60, 0.2).state == "SUCCEEDED"


def test_an_upload_is_parsed_but_not_compiled(kfp_client, package):
    kfp_client.upload_pipeline(package(WITH_RESOLVER), pipeline_name="resolver")

    assert refusal(
        lambda: kfp_client.upload_pipeline(package(SPEC | {"schemaVersion": "2.0.0"}), "old")
    ) == (400, "KFP only supports schema version 2.1.0, but the pipeline spec has version 2.0.0")


def test_a_name_is_taken_once(kfp_client, package):
    kfp_client.upload_pipeline(package(), pipeline_name="taxi")

    assert refusal(lambda: kfp_client.upload_pipeline(package(), pipeline_name="taxi"))[0] == 409


def test_what_is_not_there_is_not_found(kfp_client):
    assert refusal(lambda: kfp_client.get_run("nowhere"))[0] == 404
    assert refusal(lambda: kfp_client.get_recurring_run("nowhere"))[0] == 404
    assert refusal(lambda: kfp_client.get_experiment(experiment_id="nowhere"))[0] == 404
    unknown = json.dumps({"predicates": [{"operation": 1, "key": "colour", "stringValue": "x"}]})
    assert refusal(lambda: kfp_client.list_runs(filter=unknown))[0] == 400
