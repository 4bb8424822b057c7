"""When a task is run again, and when what it made before is taken."""

import pytest

from tests.kubeflow.emulator.package import read
from tests.kubeflow.small_packages import Script, spec_of, text_of

CACHED = {"cachingOptions": {"enableCache": True}}


def scripts(first=CACHED, second=CACHED, code="", **second_changes):
    # What the first makes differs from run to run, as if its data had changed.
    make = "import uuid\nanswer(parameterValues={'id': str(uuid.uuid4())})"
    return {
        "First": Script(make, makes=["model"], gives={"id": "STRING"}, task=first),
        "Second": Script(code, sources={"in": ("First", "model")}, task=second, **second_changes),
    }


def two_runs(backend, one, other=None, name="small"):
    """Runs a package and then another (the same if None); returns the second run."""
    for number, tasks in enumerate((one, other or one)):
        spec = spec_of(tasks, name="small" if number == 0 else name)
        run = backend.create_run(read(text_of(spec)))
        assert run.wait() == "SUCCEEDED", run.failures
    return run


def reused(run):
    return {name for name in run.workflow.tasks if run.execution(name).state == "CACHED"}


def test_the_same_task_is_not_run_again(make_backend):
    run = two_runs(make_backend(), scripts())

    assert reused(run) == {"First", "Second"}
    phases = [(node.name, node.phase) for node in run.nodes.all()]
    assert phases[4:6] == [("First", "Succeeded"), ("executor", "Skipped")]


def test_what_it_made_is_the_earlier_artifact(make_backend):
    backend = make_backend()
    first = backend.create_run(read(text_of(spec_of(scripts()))))
    first.wait()
    second = backend.create_run(read(text_of(spec_of(scripts()))))
    second.wait()

    assert second.artifact("First", "model") == first.artifact("First", "model")
    assert second.execution("First").outputs == first.execution("First").outputs


def test_without_the_option_nothing_is_taken(make_backend):
    assert reused(two_runs(make_backend(), scripts({}, {}))) == set()


def test_behind_a_task_that_ran_again_nothing_is_found(make_backend):
    # The names of artifacts, which are ids, are in the key.
    assert reused(two_runs(make_backend(), scripts(first={}))) == set()


@pytest.mark.parametrize(
    "changes",
    [
        {"code": "print(1)"},
        {"constants": {"x": "1"}},
        {"container": {"image": "registry.example.com/small:2"}},
        {"makes": ["other"]},
    ],
)
def test_a_changed_task_is_run_again(make_backend, changes):
    assert reused(two_runs(make_backend(), scripts(), scripts(**changes))) == {"First"}


def test_env_and_resources_are_not_in_the_key(make_backend):
    changes = {
        "container": {
            "env": [{"name": "PIPELINE_SCHEMA", "value": "another"}],
            "resources": {"resourceMemoryLimit": "4Gi"},
        }
    }

    assert reused(two_runs(make_backend(), scripts(), scripts(**changes))) == {"First", "Second"}


def test_another_pipeline_has_a_cache_of_its_own(make_backend):
    assert reused(two_runs(make_backend(), scripts(), name="other")) == set()


def test_a_failed_task_is_not_taken(make_backend):
    backend, spec = make_backend(), text_of(spec_of({"A": Script("sys.exit(1)", task=CACHED)}))

    assert [backend.create_run(read(spec)).wait() for _ in range(2)] == ["FAILED", "FAILED"]
