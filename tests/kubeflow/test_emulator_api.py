"""The emulated API server, spoken to by the official client."""

import json

import kfp
import kfp_server_api
import pytest

from tests.kubeflow.emulator.api.server import ApiServer
from tests.kubeflow.small_packages import SHOW, Script, shown, spec_of, text_of

ROOT = {"path": {"parameterType": "STRING"}, "n": {"parameterType": "NUMBER_INTEGER"}}
SPEC = spec_of({"A": Script(SHOW, inputs={"path": "path"})}, {"path": ROOT["path"]})

pytestmark = pytest.mark.filterwarnings("ignore:This client only works:FutureWarning")


@pytest.fixture
def server(make_backend):
    with ApiServer(make_backend()) as server:
        yield server


@pytest.fixture
def client(server):
    return kfp.Client(host=server.url)


@pytest.fixture
def package(tmp_path):
    """Writes a package and returns its path."""

    def write(spec=SPEC, kubernetes=None):
        path = tmp_path / "package.yaml"
        path.write_text(text_of(spec, kubernetes))
        return str(path)

    return write


def refusal(call):
    """Status and message of the error that a call ends in."""
    with pytest.raises(kfp_server_api.ApiException) as caught:
        call()
    body = json.loads(caught.value.body)
    return caught.value.status, body.get("message") or body["error_message"]


def test_a_run_is_created_waited_for_and_shown(client, server, package, s3):
    result = client.create_run_from_pipeline_package(
        package(kubernetes={"A_executor": {"imagePullPolicy": "Always"}}),
        arguments={"path": "gs://data"},
        run_name="first",
        experiment_name="tests",
        pipeline_root=f"s3://{s3.bucket}/elsewhere",
        enable_caching=False,
    )
    run = client.wait_for_run_completion(result.run_id, timeout=60, sleep_duration=0.2)

    assert run.state == "SUCCEEDED"
    assert run.display_name == "first"
    assert run.runtime_config.parameters == {"path": "gs://data"}
    assert [state.state for state in run.state_history] == ["PENDING", "RUNNING", "SUCCEEDED"]
    assert run.finished_at >= run.created_at
    states = {task.display_name: task.state for task in run.run_details.task_details}
    inner = {"root-driver", "root", "A-driver", "A", "executor"}
    assert states.keys() - inner == {server.runs.find(run.run_id).workflow_name}
    assert set(states.values()) == {"SUCCEEDED"}
    given = shown(server.runs.find(result.run_id))
    assert given["inputs"]["parameterValues"] == {"path": "gs://data"}
    assert f"/s3/{s3.bucket}/elsewhere/small/" in given["outputs"]["outputFile"]
    experiment = client.get_experiment(experiment_name="tests")
    assert run.experiment_id == experiment.experiment_id
    assert [found.run_id for found in client.list_runs(experiment_id=run.experiment_id).runs] == [
        run.run_id
    ]


def test_a_run_that_failed_says_so_and_no_more(client, package):
    result = client.create_run_from_pipeline_package(
        package(spec_of({"A": Script("sys.exit(1)"), "B": Script(task={"dependentTasks": ["A"]})}))
    )
    run = client.wait_for_run_completion(result.run_id, timeout=60, sleep_duration=0.2)

    assert (run.state, run.error) == ("FAILED", None)
    states = {task.display_name: task.state for task in run.run_details.task_details}
    assert (states["A"], states["B"]) == ("FAILED", None)


def with_resolver():
    spec = spec_of({"A": Script()})
    spec["deploymentSpec"]["executors"]["A_executor"] = {"resolver": {"outputArtifactQueries": {}}}
    return spec


@pytest.mark.parametrize(
    ("spec", "arguments", "reply"),
    [
        (SPEC | {"schemaVersion": "2.0.0"}, {}, (500, "KFP only supports schema version 2.1.0")),
        (with_resolver(), {}, (500, "non-container and non-importer executor not implemented")),
        (spec_of({"a_b": Script()}), {}, (500, "'a_b-driver' is invalid: name must consist of")),
        (SPEC, {"path": "x", "nope": 1}, (400, "provided are not required by pipeline: nope")),
        (SPEC, {}, (400, "parameter path is not optional")),
        (SPEC, {"path": 1}, (400, "input parameter path requires type string")),
    ],
)
def test_a_run_is_refused(client, package, spec, arguments, reply):
    status, text = refusal(
        lambda: client.create_run_from_pipeline_package(package(spec), arguments=arguments)
    )

    assert status == reply[0]
    assert reply[1] in text
    assert "Failed to create a new run" in text


def test_an_experiment_is_made_once(client):
    first = client.create_experiment("tests")

    assert client.create_experiment("tests").experiment_id == first.experiment_id
    assert [found.display_name for found in client.list_experiments().experiments] == [
        "Default",
        "tests",
    ]


def test_a_pipeline_is_uploaded_with_versions_and_run(client, package):
    pipeline = client.upload_pipeline(package(), pipeline_name="taxi")
    version = client.upload_pipeline_version(
        package(), pipeline_version_name="v2", pipeline_id=pipeline.pipeline_id
    )
    experiment = client.create_experiment("tests")
    run = client.run_pipeline(
        experiment.experiment_id,
        "of version 2",
        pipeline_id=pipeline.pipeline_id,
        version_id=version.pipeline_version_id,
        params={"path": "x"},
    )

    assert client.get_pipeline_id("taxi") == pipeline.pipeline_id
    assert len(client.list_pipeline_versions(pipeline.pipeline_id).pipeline_versions) == 2
    assert client.wait_for_run_completion(run.run_id, 60, 0.2).state == "SUCCEEDED"


def test_an_upload_is_parsed_but_not_compiled(client, package):
    client.upload_pipeline(package(with_resolver()), pipeline_name="resolver")

    assert refusal(
        lambda: client.upload_pipeline(package(SPEC | {"schemaVersion": "2.0.0"}), "old")
    ) == (400, "KFP only supports schema version 2.1.0, but the pipeline spec has version 2.0.0")


def test_a_name_is_taken_once(client, package):
    client.upload_pipeline(package(), pipeline_name="taxi")

    assert refusal(lambda: client.upload_pipeline(package(), pipeline_name="taxi"))[0] == 409


def schedule(client, package, **changes):
    experiment = client.create_experiment("tests")
    arguments = {
        "experiment_id": experiment.experiment_id,
        "job_name": "nightly",
        "cron_expression": "0 30 3 * * 1-5",
        "params": {"path": "x"},
        "pipeline_package_path": package,
    }
    return client.create_recurring_run(**arguments | changes)


def test_a_recurring_run_is_created_fired_and_disabled(client, server, package):
    job = schedule(client, package())

    assert (job.status, job.mode) == ("ENABLED", "ENABLE")
    assert job.trigger.cron_schedule.cron == "0 30 3 * * 1-5"
    run_id = server.recurring_runs.fire(job.recurring_run_id)["run_id"]
    run = client.wait_for_run_completion(run_id, timeout=60, sleep_duration=0.2)
    assert (run.state, run.recurring_run_id) == ("SUCCEEDED", job.recurring_run_id)
    client.disable_recurring_run(job.recurring_run_id)
    assert client.get_recurring_run(job.recurring_run_id).status == "DISABLED"
    listed = client.list_recurring_runs(experiment_id=job.experiment_id).recurring_runs
    assert [found.display_name for found in listed] == ["nightly"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"cron_expression": "nightly"}, "Expected 5 to 6 fields, found 1: nightly"),
        ({"cron_expression": "0 0 24 * * *"}, "End of range (24) above maximum (23): 24"),
        ({"cron_expression": "0 0 3 * * 7"}, "End of range (7) above maximum (6): 7"),
        ({"max_concurrency": 11}, "must be at least 1 and at most 10. Received 11"),
        ({"params": {}}, "parameter path is not optional"),
        ({"params": {"path": "x", "nope": 1}}, "not required by pipeline: nope"),
    ],
)
def test_a_recurring_run_is_refused(client, package, changes, message):
    status, text = refusal(lambda: schedule(client, package(), **changes))

    assert status == 400
    assert message in text


def test_a_schedule_is_compiled_but_not_shown_to_argo(client, package):
    assert schedule(client, package(spec_of({"a_b": Script()})), params={}).status == "ENABLED"
    assert refusal(lambda: schedule(client, package(with_resolver()), params={}))[0] == 500


def test_what_is_not_there_is_not_found(client):
    assert refusal(lambda: client.get_run("nowhere"))[0] == 404
    assert refusal(lambda: client.get_recurring_run("nowhere"))[0] == 404
    assert refusal(lambda: client.get_experiment(experiment_id="nowhere"))[0] == 404
    unknown = json.dumps({"predicates": [{"operation": 1, "key": "colour", "stringValue": "x"}]})
    assert refusal(lambda: client.list_runs(filter=unknown))[0] == 400
