"""Recurring runs of the emulated API api_server, made by the official kfp_client."""

import pytest

from tests.kubeflow.refusals import refusal
from tests.kubeflow.small_packages import Script, spec_of, text_of

SPEC = spec_of({"A": Script(inputs={"path": "path"})}, {"path": {"parameterType": "STRING"}})


@pytest.fixture
def package(tmp_path):
    """Writes a package and returns its path."""

    def write(spec=SPEC):
        path = tmp_path / "package.yaml"
        path.write_text(text_of(spec))
        return str(path)

    return write


def schedule(kfp_client, package, **changes):
    experiment = kfp_client.create_experiment("tests")
    arguments = {
        "experiment_id": experiment.experiment_id,
        "job_name": "nightly",
        "cron_expression": "0 30 3 * * 1-5",
        "params": {"path": "x"},
        "pipeline_package_path": package,
    }
    return kfp_client.create_recurring_run(**arguments | changes)


def test_a_recurring_run_is_created_fired_and_disabled(kfp_client, api_server, package):
    job = schedule(kfp_client, package())

    assert (job.status, job.mode) == ("ENABLED", "ENABLE")
    assert job.trigger.cron_schedule.cron == "0 30 3 * * 1-5"
    run_id = api_server.recurring_runs.fire(job.recurring_run_id)["run_id"]
    run = kfp_client.wait_for_run_completion(run_id, timeout=60, sleep_duration=0.2)
    assert (run.state, run.recurring_run_id) == ("SUCCEEDED", job.recurring_run_id)
    kfp_client.disable_recurring_run(job.recurring_run_id)
    assert kfp_client.get_recurring_run(job.recurring_run_id).status == "DISABLED"
    listed = kfp_client.list_recurring_runs(experiment_id=job.experiment_id).recurring_runs
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
def test_a_recurring_run_is_refused(kfp_client, package, changes, message):
    status, text = refusal(lambda: schedule(kfp_client, package(), **changes))

    assert status == 400
    assert message in text


def test_a_schedule_is_compiled_but_not_shown_to_argo(kfp_client, package):
    resolver = spec_of({"A": Script()})
    resolver["deploymentSpec"]["executors"]["A_executor"] = {"resolver": {}}

    assert schedule(kfp_client, package(spec_of({"a_b": Script()})), params={}).status == "ENABLED"
    assert refusal(lambda: schedule(kfp_client, package(resolver), params={}))[0] == 500
