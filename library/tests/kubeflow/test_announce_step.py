"""Announce on a backend: compiled with a reference to its secret, and run by the entrypoint."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tfx.types import standard_artifacts

from tests.kubeflow.test_entrypoint import RUN, step  # noqa: F401
from tests.kubeflow.test_entrypoint import run as run_entrypoint
from tests.webhook_server import webhook_server
from tfxkit.components.evaluator.evaluation import EvaluationResult, write_evaluation
from tfxkit.config.loading import ConfigError
from tfxkit.evaluation import Check

WEBHOOK = "steps.announce.webhook=ANNOUNCE_URL"
GIVEN = "kubeflow.steps.Announce.env_from_secrets={ANNOUNCE_URL: {name: chat, key: url}}"


def test_on_kubeflow_the_secret_is_named_and_the_run_is_filled_in(compiled):
    package = compiled("kubeflow", WEBHOOK, GIVEN)
    task = package.spec["root"]["dag"]["tasks"]["Announce"]
    parameters = {
        name: source["runtimeValue"]["constant"]
        for name, source in task["inputs"]["parameters"].items()
    }
    assert parameters["run_id"] == "{{$.pipeline_job_uuid}}"
    assert (parameters["webhook"], parameters["required"]) == ("ANNOUNCE_URL", False)
    assert task["cachingOptions"] == {}
    kubernetes = package.platform["platforms"]["kubernetes"]
    [secret] = kubernetes["deploymentSpec"]["executors"]["Announce_executor"]["secretAsEnv"]
    assert secret["keyToEnv"] == [{"secretKey": "url", "envVar": "ANNOUNCE_URL"}]


@pytest.mark.parametrize(
    ("target", "settings", "cure"),
    [
        (
            "kubeflow",
            (),
            "kubeflow.steps.Announce.env_from_secrets: {ANNOUNCE_URL: {name: …, key: …}}",
        ),
        (
            "kubeflow",
            ("kubeflow.steps.Announce.env={ANNOUNCE_URL: https://example.com/hook}",),
            "Name the Secret that holds it",
        ),
        ("vertex", (), "name a file of a bucket, gs://…"),
    ],
)
def test_a_package_whose_step_has_no_such_variable_is_refused(target, settings, cure, compiled):
    with pytest.raises(ConfigError) as error:
        compiled(target, WEBHOOK, *settings)
    assert "Announce reads a secret from the environment variable ANNOUNCE_URL" in str(error.value)
    assert cure in str(error.value)


def test_on_vertex_the_url_is_in_a_bucket(compiled):
    package = compiled("vertex", "steps.announce.webhook=gs://bucket/webhook")
    parameters = package.spec["root"]["dag"]["tasks"]["Announce"]["inputs"]["parameters"]
    assert parameters["webhook"] == {"runtimeValue": {"constant": "gs://bucket/webhook"}}


@pytest.mark.kubeflow
def test_the_entrypoint_runs_it(step, monkeypatch):  # noqa: F811
    announce = step("kubeflow", "Announce", WEBHOOK, GIVEN)
    announce.parameters["run_id"] = "8f6d1c6e-run"  # as the driver fills it in
    result = EvaluationResult(
        {"auc": 0.7}, {}, (), (), {}, (Check("auc: min", False, "auc is 0.7, below 0.8"),), False
    )
    evaluation = announce.folder.parents[1] / "Evaluator/1/evaluation"
    evaluation.mkdir(parents=True)
    write_evaluation(result, str(evaluation))
    announce.message["inputs"]["artifacts"] = {
        key: {"artifacts": [{"name": key, "uri": f"{RUN}/{path}", "metadata": metadata}]}
        for key, path, metadata in (
            ("pushed_model", "Pusher/1/pushed_model", {"pushed": 0.0}),
            ("evaluation", "Evaluator/1/evaluation", {}),
            (
                "serving_blessing",
                "ServingCheck/1/blessing",
                {"blessed": 0.0, "reason": "The model is too slow."},
            ),
        )
    }
    with webhook_server() as webhook:
        monkeypatch.setenv("ANNOUNCE_URL", webhook.url("planted-9b1f"))
        done = run_entrypoint(announce)
    assert done.returncode == 0, done.stderr
    assert "planted" not in done.stdout + done.stderr
    [(path, _, body)] = webhook.posts
    event = json.loads(body)
    assert path == "/planted-9b1f"
    assert (event["run"], event["outcome"]) == ("8f6d1c6e-run", "not_blessed")
    assert event["failed"] == ["auc is 0.7, below 0.8", "The model is too slow."]
    [artifact] = announce.output()["artifacts"]["announcement"]["artifacts"]
    assert artifact["uri"] == f"{RUN}/Announce/1/announcement"
    written = standard_artifacts.JsonValue()
    written.uri = str(announce.folder / "announcement")
    assert {**event, "problems": []} == json.loads(Path(written.uri).read_text())
