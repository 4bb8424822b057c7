"""The order of the steps, how often each runs, and what the API reports."""

import os
import signal

import pytest

from tests.kubeflow.emulator.compiler import compile_workflow
from tests.kubeflow.emulator.errors import BackendError
from tests.kubeflow.emulator.package import read
from tests.kubeflow.emulator.retries import RetryPolicy, policy_of
from tests.kubeflow.small_packages import Script, spec_of, text_of

POLICY = {"maxRetryCount": 2, "backoffDuration": "30s", "backoffFactor": 2.0}
LASTING = POLICY | {"backoffMaxDuration": "86400s"}
# Fails at the first attempt.
UNSTEADY = "sys.exit(int(os.environ['KFP_RETRY_INDEX'] == '0'))"


def after(*tasks, **more):
    return {"dependentTasks": list(tasks), **more}


def test_what_depends_on_a_failed_task_is_omitted_and_the_rest_goes_on(run_scripts):
    run = run_scripts(
        {
            "Bad": Script("sys.exit(1)"),
            "Behind": Script(task=after("Bad")),
            "FarBehind": Script(task=after("Behind", "Good")),
            "Good": Script(),
            "AfterGood": Script(task=after("Good")),
        }
    )

    assert run.state == "FAILED"
    assert run.phases() == {
        "Bad": "Failed",
        "Behind": "Omitted",
        "FarBehind": "Omitted",
        "Good": "Succeeded",
        "AfterGood": "Succeeded",
    }
    assert list(run.failures) == ["Bad"]


def test_independent_tasks_run_at_the_same_time(run_scripts, tmp_path):
    meet = """
    import time
    place, me, other = values["place"], *values["names"].split()
    open(os.path.join(place, me), "w").close()
    for _ in range(500):
        if os.path.exists(os.path.join(place, other)):
            sys.exit(0)
        time.sleep(0.01)
    sys.exit(1)
    """
    place = str(tmp_path)
    scripts = {
        "A": Script(meet, constants={"place": place, "names": "A B"}),
        "B": Script(meet, constants={"place": place, "names": "B A"}),
    }

    assert run_scripts(scripts, parallel_tasks=2).state == "SUCCEEDED"


def test_the_api_is_told_argos_nodes(run_scripts):
    run = run_scripts(
        {"A": Script(), "B": Script("sys.exit(1)", task=after("A")), "C": Script(task=after("B"))}
    )

    details = {node.id: node.to_api(run.id, run.created) for node in run.nodes.all()}

    assert [(detail["display_name"], detail.get("state")) for detail in details.values()] == [
        (run.workflow_name, "FAILED"),
        ("root-driver", "SUCCEEDED"),
        ("root", "FAILED"),
        ("A-driver", "SUCCEEDED"),
        ("A", "SUCCEEDED"),
        ("executor", "SUCCEEDED"),
        ("B-driver", "SUCCEEDED"),
        ("B", "FAILED"),
        ("executor", "FAILED"),
        ("C-driver", None),  # omitted, for which the API has no word
        ("C", None),
    ]
    step = next(detail for detail in details.values() if detail["display_name"] == "A")
    children = [details[child["pod_name"]]["display_name"] for child in step["child_tasks"]]
    assert children == ["executor"]


def test_a_step_that_fails_is_tried_again(run_scripts):
    script = Script(
        f"print(os.environ['KFP_RETRY_INDEX'])\n{UNSTEADY}", task={"retryPolicy": LASTING}
    )

    run = run_scripts({"A": script}, wait_factor=0)

    assert run.state == "SUCCEEDED"
    assert run.failures == {}
    assert [run.log("A", attempt) for attempt in (0, 1)] == ["0\n", "1\n"]
    assert run.artifact("A", "executor-logs").uri.endswith("/executor-logs-1")
    assert [(node.name, node.phase) for node in run.nodes.all()][-4:] == [
        ("A", "Succeeded"),
        ("executor", "Succeeded"),
        ("executor(0)", "Failed"),
        ("executor(1)", "Succeeded"),
    ]


def test_a_step_whose_process_is_killed_is_tried_again(run_scripts):
    def kill_first(step, process):
        if step.attempt == 0:
            os.killpg(process.pid, signal.SIGKILL)

    script = Script(
        "import time\ntime.sleep(60 if os.environ['KFP_RETRY_INDEX'] == '0' else 0)",
        task={"retryPolicy": LASTING},
    )

    run = run_scripts({"A": script}, started=kill_first, wait_factor=0)

    assert run.state == "SUCCEEDED"
    assert run.nodes.all()[-2].message.endswith("exit status 137")


def test_after_the_last_attempt_the_task_has_failed(run_scripts):
    run = run_scripts(
        {"A": Script("sys.exit(1)", task={"retryPolicy": LASTING}), "B": Script(task=after("A"))},
        wait_factor=0,
    )

    assert run.phases() == {"A": "Failed", "B": "Omitted"}
    names = [node.name for node in run.nodes.all()]
    assert [name for name in names if name.startswith("executor(")] == [
        "executor(0)",
        "executor(1)",
        "executor(2)",
    ]
    assert run.nodes.all()[names.index("executor")].message == "No more retries left"


def test_without_a_maximal_duration_nothing_is_tried_again(run_scripts):
    run = run_scripts({"A": Script(UNSTEADY, task={"retryPolicy": POLICY})}, wait_factor=0)

    assert run.state == "FAILED"
    node = next(node for node in run.nodes.all() if node.name == "executor")
    assert node.message == "Max duration limit exceeded"


def test_an_attempt_is_killed_when_the_maximal_duration_is_over(run_scripts):
    script = Script(
        "import time\nif os.environ['KFP_RETRY_INDEX'] == '0': sys.exit(1)\ntime.sleep(60)",
        task={"retryPolicy": {"maxRetryCount": 1, "backoffMaxDuration": "2s"}},
    )

    run = run_scripts({"A": script})

    assert run.nodes.all()[-1].message.endswith("exit status 137")


def test_the_wait_grows_by_the_factor():
    policy = RetryPolicy(limit=5, duration_s=30, factor="2", max_duration_s=600)

    assert [policy.wait(attempts, 0.1) for attempts in (1, 2, 3)] == [30, 60, 120]
    assert RetryPolicy(5, 30, "0", 600).wait(3, 0.1) == 30


@pytest.mark.parametrize(
    ("policy", "attempts", "elapsed", "reason"),
    [
        (RetryPolicy(2, 30, "2", 600), 3, 0.1, "No more retries left"),
        (RetryPolicy(2, 30, "2", 600), 1, 601, "Max duration limit exceeded"),
        (RetryPolicy(2, 30, "2", 600), 1, 580, "Backoff would exceed max duration limit"),
        (RetryPolicy(2, 30, "1.5", 600), 1, 0.1, "value '1.5' cannot be resolved to an int"),
    ],
)
def test_there_is_no_next_attempt(policy, attempts, elapsed, reason):
    with pytest.raises(BackendError, match=reason):
        policy.wait(attempts, elapsed)


def test_a_policy_is_read_as_the_compiler_hands_it_on():
    def policy(given):
        spec = spec_of({"A": Script(task={"retryPolicy": given} if given else {})})
        return policy_of(compile_workflow(read(text_of(spec)), {}).tasks["A"])

    assert policy(None) is None
    assert policy(LASTING) == RetryPolicy(2, 30, "2", 86400)
    assert policy({"maxRetryCount": 1, "backoffDuration": "0.5s"}) == RetryPolicy(1, 0, "0", 0)
