"""Credentials reach a process by its environment; nothing that a run leaves behind has them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.webhook_server import webhook_server
from tfxkit import cli
from tfxkit.runs.outputs import Outputs
from tfxkit.runs.summary import Status

ROOT = Path(__file__).parents[3]
PLANTED = "planted-4f1c0b9e"
TARGETS: list[str] = []
TARGETS.append("kubeflow")
TARGETS.append("vertex")
NAMES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "DATABASE_PASSWORD")


def holding(folder: Path) -> list[str]:
    """The files in which the secret stands, in their names or in their bytes."""
    return [
        str(path)
        for path in folder.rglob("*")
        if PLANTED in path.name or (path.is_file() and PLANTED.encode() in path.read_bytes())
    ]


@pytest.fixture
def webhook():
    with webhook_server() as server:
        yield server


@pytest.mark.slow
def test_a_run_a_failed_run_and_a_package_hold_no_secret(project, webhook, monkeypatch, capfd):
    outputs: Outputs = project.outputs
    for name in NAMES:
        monkeypatch.setenv(name, PLANTED)
    monkeypatch.setenv("ANNOUNCE_URL", webhook.url(PLANTED))
    announced = ("--set", "steps.announce.webhook=ANNOUNCE_URL")

    def in_a_process(*arguments: str) -> str:
        command = [sys.executable, "-m", "pipeline", *arguments]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        return done.stdout + done.stderr

    def told(*arguments: str) -> str:
        capfd.readouterr()
        cli.main(list(arguments))
        return "".join(capfd.readouterr())

    shown = in_a_process(*project.arguments("run", "--set", "train.seed=2", *announced))
    assert "Trainer" in shown
    [(path, _, body)] = webhook.posts
    event, run = json.loads(body), project.latest()
    assert path == f"/{PLANTED}"
    assert (event["outcome"], event["model"]) == ("pushed", run.pushed_path), shown
    assert (event["run"], event["pipeline"]) == (run.run_id, run.pipeline)
    assert event["metrics"]["auc"] == run.metrics["auc"]
    webhook.answers = [400, 400]
    problem = "The outcome of the run was not announced: 127.0.0.1 returned HTTP 400."
    for required, status in (("false", Status.DONE), ("true", Status.FAILED)):
        again = ("--from", "Announce", "--set", f"steps.announce.required={required}")
        shown += told(*project.arguments("run", "--set", "train.seed=2", *announced, *again))
        assert project.latest().status == status, shown
    assert f"! Announce: {problem}" in shown
    assert project.latest().error.startswith(problem)
    assert len(webhook.posts) == 3
    shown += told(*project.arguments("run", "--set", "train.learning_rate=1e30"))
    assert len(list(outputs.runs.glob("2*"))) == 5
    shown += told(*project.arguments("config", "show"))
    for target in TARGETS:
        shown += told(*project.arguments("compile", "--target", target, "--config", target))
        assert outputs.package(target).exists(), shown
    assert "learning_rate" in shown
    assert PLANTED not in shown
    assert holding(project.root) == []
    (outputs.runs / "proof").write_text(PLANTED)
    assert len(holding(project.root)) == 1
