"""Surroundings of a step: its folder, its env, what the cluster lends it."""

import contextlib
import json
import threading
import time

import psutil
import pytest

from tests.kubeflow.emulator.backend import Backend
from tests.kubeflow.emulator.package import read
from tests.kubeflow.emulator.settings import Settings
from tests.kubeflow.emulator.step_process import StepProcess
from tests.kubeflow.small_packages import Script, spec_of, text_of


def test_a_step_has_its_own_folder_and_only_the_env_that_it_is_given(run_scripts, monkeypatch):
    monkeypatch.setenv("SECRET_OF_THIS_MACHINE", "x")
    script = Script(
        "print(json.dumps([sorted(os.environ), os.getcwd(), os.environ['HOME']]))",
        container={"env": [{"name": "B", "value": "1"}]},
    )

    found = run_scripts({"A": script}, env={"PYTHONPATH": "/image"})

    names, cwd, home = json.loads(found.log("A"))
    given = {"PATH", "HOME", "TMPDIR", "PYTHONPATH", "B"}
    given |= {"KFP_POD_NAME", "KFP_POD_UID", "PIPELINE_LAUNCHER_ROOT"}
    assert set(names) - {"LC_CTYPE"} == given
    assert cwd == home
    assert not (found.folder / "pods" / "A").exists()


def test_secrets_config_maps_and_claims_are_given_by_reference(run_scripts, tmp_path):
    volume = tmp_path / "volume"
    (volume / "data").mkdir(parents=True)
    constant = {"runtimeValue": {"constant": "wandb"}}
    settings = {
        "secretAsEnv": [
            {
                "secretName": "old",
                "secretNameParameter": constant,
                "keyToEnv": [{"secretKey": "key", "envVar": "TOKEN"}],
            },
            {
                "secretName": "nowhere",
                "optional": True,
                "keyToEnv": [{"secretKey": "key", "envVar": "OTHER"}],
            },
        ],
        "configMapAsEnv": [
            {"configMapName": "proxy", "keyToEnv": [{"configMapKey": "url", "envVar": "PROXY"}]}
        ],
        "pvcMount": [
            {"constant": "data", "mountPath": f"{volume}/data", "subPath": "data"},
        ],
    }
    script = Script(
        f"print(os.environ['TOKEN'], os.environ['PROXY'], 'OTHER' in os.environ)\n"
        f"open('{volume}/data/x', 'w').close()"
    )

    found = run_scripts(
        {"A": script},
        kubernetes={"A_executor": settings},
        secrets={"wandb": {"key": "secret"}},
        config_maps={"proxy": {"url": "http"}},
        claims={"data": volume},
    )

    assert found.failures == {}
    assert found.log("A") == "secret http False\n"
    assert (volume / "data" / "x").exists()


@pytest.mark.parametrize(
    ("settings", "failure"),
    [
        (
            {"secretAsEnv": [{"secretName": "s", "keyToEnv": [{"secretKey": "k", "envVar": "E"}]}]},
            "couldn't find key k in Secret s",
        ),
        ({"pvcMount": [{"constant": "c", "mountPath": "/mnt"}]}, '"c" not found'),
        ({"imagePullPolicy": "Sometimes"}, "ImagePullPolicy should be one of"),
    ],
)
def test_what_the_cluster_does_not_have_fails_the_task(run_scripts, settings, failure):
    found = run_scripts({"A": Script()}, kubernetes={"A_executor": settings})

    assert failure in found.failures["A"]


def test_a_resource_that_is_no_quantity_fails_the_task(run_scripts):
    found = run_scripts({"A": Script(container={"resources": {"resourceMemoryLimit": "4 GB"}})})

    assert "quantities must match" in found.failures["A"]


def test_a_claim_that_a_process_cannot_mount_is_an_error_of_the_test(run_scripts, tmp_path):
    settings = {"pvcMount": [{"constant": "c", "mountPath": "/mnt/elsewhere"}]}

    with pytest.raises(ValueError, match="a process cannot mount"):
        run_scripts({"A": Script()}, kubernetes={"A_executor": settings}, claims={"c": tmp_path})


def test_a_step_that_takes_too_long_is_killed_with_all_it_started(run_scripts):
    script = Script(
        """
        import subprocess, time
        print(subprocess.Popen(["sleep", "3600"]).pid, flush=True)
        time.sleep(3600)
        """
    )

    found = run_scripts({"A": script}, kubernetes={"A_executor": {"activeDeadlineSeconds": "1"}})

    assert "exit status 137" in found.failures["A"]
    assert ends(int(found.log("A")))


def test_what_a_step_leaves_running_ends_with_it(run_scripts):
    script = Script("import subprocess\nprint(subprocess.Popen(['sleep', '3600']).pid)")

    found = run_scripts({"A": script})

    assert found.state == "SUCCEEDED"
    assert ends(int(found.log("A")))


def ends(pid):
    """Waits for the end of a process that would take an hour; false after two minutes."""
    deadline = time.monotonic() + 120
    with contextlib.suppress(psutil.NoSuchProcess):
        while psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
    return True


def test_a_backend_that_is_closed_leaves_nothing_running(s3, tmp_path):
    began = threading.Event()
    runner = StepProcess({}, lambda *_: began.set())
    spec = spec_of(
        {"A": Script("import time\nprint(os.getpid(), flush=True)\ntime.sleep(60)"), "B": Script()}
    )

    with Backend(s3.store, runner, tmp_path, Settings(parallel_tasks=1)) as backend:
        run = backend.create_run(read(text_of(spec)), pipeline_root=f"minio://{s3.bucket}")
        began.wait()

    assert run.state == "FAILED"
    assert "exit status 137" in run.failures["A"]
    assert run.log("B") == ""


def test_a_pod_that_asks_for_more_than_it_may_have_is_refused(run_scripts):
    resources = {"resourceMemoryRequest": "4Gi", "resourceMemoryLimit": "4096M"}

    found = run_scripts({"A": Script(container={"resources": resources})})

    assert "must be less than or equal to memory limit of 4096M" in found.failures["A"]
