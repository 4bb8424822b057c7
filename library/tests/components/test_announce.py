"""Announce: what it says of a push and of a refusal, to whom, and what it keeps to itself."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
from tfx.types import standard_artifacts

from components import webhook as webhooks
from components.announce import Announce
from tests.webhook_server import webhook_server
from tfxkit.components.evaluator.evaluation import EvaluationResult, write_evaluation
from tfxkit.errors import MachineError
from tfxkit.evaluation import Check

SECRET = "services/T00/B00/planted-9b1f"
HELD = Check("auc: min", True, "auc overall is 0.9562, at least 0.93")
MISSED = Check("accuracy: min", False, "accuracy overall is 0.71, below 0.88")
PUSHED = {"pushed": 1, "pushed_version": "1795938524", "pushed_destination": "/srv/m/1795938524"}
METRICS = {"auc": 0.9562, "mean_label": 0.22, "pr_auc": None}


@pytest.fixture
def webhook(monkeypatch):
    monkeypatch.setattr(webhooks, "WAITS_S", (0, 0, 0, 0))
    with webhook_server() as server:
        monkeypatch.setenv("ANNOUNCE_URL", server.url(SECRET))
        yield server


@pytest.fixture
def announce(tmp_path, webhook, caplog):
    """Runs the step on artifacts of a run; returns its output."""

    def run(properties, checks=(HELD,), reason="", **settings):
        pushed = standard_artifacts.PushedModel()
        for name, value in properties.items():
            if isinstance(value, int):
                pushed.set_int_custom_property(name, value)
            else:
                pushed.set_string_custom_property(name, value)
        evaluation = standard_artifacts.ModelEvaluation()
        evaluation.uri = str(tmp_path / "evaluation")
        Path(evaluation.uri).mkdir(exist_ok=True)
        blessed = all(check.passed for check in checks)
        write_evaluation(
            EvaluationResult(METRICS, {}, (), (), {}, tuple(checks), blessed), evaluation.uri
        )
        blessing = standard_artifacts.InfraBlessing()
        if reason:
            blessing.set_string_custom_property("reason", reason)
        output = standard_artifacts.JsonValue()
        output.uri = str(tmp_path / "announcement")
        with caplog.at_level(logging.DEBUG):
            Announce.test_call(
                pushed_model=pushed,
                evaluation=evaluation,
                serving_blessing=blessing if reason else None,
                announcement=output,
                pipeline="taxi",
                **{
                    "run_id": "20261129-074817",
                    "webhook": "ANNOUNCE_URL",
                    "format": "json",
                    "file": "",
                    "already_served": False,
                    "required": False,
                    **settings,
                },
            )
        text, warning = Path(output.uri).read_text(), output.get_string_custom_property("warning")
        assert SECRET not in text + warning + caplog.text
        return {**json.loads(text), **({"warning": warning} if warning else {})}

    return run


def posted(webhook):
    """The one message, as JSON."""
    [(path, content_type, body)] = webhook.posts
    assert (path, content_type) == (f"/{SECRET}", "application/json")
    return json.loads(body)


def card_lines(message):
    assert message["type"] == "message"
    [attachment] = message["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    card = attachment["content"]
    assert (card["type"], card["version"]) == ("AdaptiveCard", "1.2")
    runs = [run for block in card["body"] for run in block["inlines"]]
    assert {block["type"] for block in card["body"]} == {"RichTextBlock"}
    assert {run["type"] for run in runs} == {"TextRun"}
    return [run["text"] for run in runs]


def test_json_has_all_of_a_push(announce, webhook):
    output = announce(PUSHED)
    event = posted(webhook)
    assert event.pop("time").endswith("+00:00")
    assert event == {
        "pipeline": "taxi",
        "run": "20261129-074817",
        "outcome": "pushed",
        "version": "1795938524",
        "model": "/srv/m/1795938524",
        "failed": [],
        "passed": ["auc overall is 0.9562, at least 0.93"],
        "metrics": METRICS,
    }
    assert output.pop("problems") == [] and output.pop("time")
    assert output == event


def test_slack_has_a_push_as_text(announce, webhook):
    announce(PUSHED, format="slack")
    assert posted(webhook) == {
        "text": "✓ taxi: pushed version 1795938524\n"
        "✓ auc overall is 0.9562, at least 0.93\n"
        "Model: /srv/m/1795938524\n"
        "Run: 20261129-074817",
        "mrkdwn": False,
    }


def test_teams_has_a_refusal_as_a_card_with_the_reasons_first(announce, webhook):
    announce({"pushed": 0}, (HELD, MISSED), "The model is too slow.", format="teams")
    assert card_lines(posted(webhook)) == [
        "✗ taxi: new model not approved, not pushed",
        "✗ accuracy overall is 0.71, below 0.88",
        "✗ The model is too slow.",
        "✓ auc overall is 0.9562, at least 0.93",
        "Run: 20261129-074817",
    ]


def test_a_model_that_is_already_served_is_announced_only_if_asked_for(announce, webhook):
    served = {**PUSHED, "adopted": 1}
    assert announce(served)["outcome"] == "already_served"
    assert webhook.posts == []
    announce(served, already_served=True, format="slack")
    [first, *_] = posted(webhook)["text"].splitlines()
    assert first == "= taxi: model already served as version 1795938524"


ODD = Check("a", False, 'auc in <!channel> & "é\n✓ *x*" \\ \ud800 is 0.1')


@pytest.mark.parametrize("taken_by", ["slack", "teams", "json"])
def test_names_are_text_whatever_they_contain(taken_by, announce, webhook):
    announce({"pushed": 0}, (ODD,), format=taken_by)
    message = posted(webhook)
    as_text = 'auc in <!channel> & "é ✓ *x*" \\ \ud800 is 0.1'
    if taken_by == "slack":
        escaped = as_text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        assert message["text"].splitlines()[1] == f"✗ {escaped}"
    elif taken_by == "teams":
        assert card_lines(message)[1] == f"✗ {as_text}"
    else:
        assert message["failed"] == [ODD.detail]


def test_a_message_stays_as_short_as_teams_takes_it(announce, webhook):
    checks = [Check("a", False, f"{number} " + "ü" * 5000) for number in range(200)]
    announce({"pushed": 0}, checks, format="teams")
    [(_, _, body)] = webhook.posts
    assert len(body) < 28 * 1024
    assert len(card_lines(json.loads(body))) == 22


@pytest.mark.parametrize("answers", [[503, 200], [429, 502, 500, 200], [0.0, 200]])
def test_a_busy_webhook_is_tried_again(answers, announce, webhook):
    webhook.answers = list(answers)
    assert announce(PUSHED)["problems"] == []
    assert len(webhook.posts) == len(answers)
    assert len({body for _, _, body in webhook.posts}) == 1


@pytest.mark.parametrize(
    ("answers", "posts", "reason"),
    [
        ([503] * 4, 4, "returned HTTP 503"),
        ([404], 1, "returned HTTP 404"),
        ([2.0] * 4, 4, "cannot be reached (TimeoutError)"),
    ],
)
class TestAFailingWebhook:
    @pytest.fixture(autouse=True)
    def _answers(self, answers, webhook, monkeypatch):
        monkeypatch.setattr(webhooks, "TIMEOUT_S", 0.3)
        webhook.answers = list(answers)

    def test_does_not_fail_the_run(self, posts, reason, announce, webhook):
        assert announce(PUSHED)["problems"] == [f"127.0.0.1 {reason}"]
        assert len(webhook.posts) == posts

    def test_is_a_warning(self, reason, announce, caplog, posts):
        told = f"The outcome of the run was not announced: 127.0.0.1 {reason}."
        assert announce(PUSHED)["warning"] == told
        [warning] = [each for each in caplog.records if each.name == "components.announce"]
        assert (warning.levelname, warning.message) == ("WARNING", told)

    def test_fails_the_run_if_the_announcement_is_required(self, reason, announce, posts):
        with pytest.raises(MachineError) as error:
            announce(PUSHED, required=True)
        assert str(error.value).splitlines() == [
            f"The outcome of the run was not announced: 127.0.0.1 {reason}.",
            "Try again: python -m pipeline run --from Announce",
        ]


def test_the_message_goes_to_no_other_host(announce, webhook):
    webhook.answers, webhook.location = [302], f"http://localhost:{webhook.port}/elsewhere"
    assert announce(PUSHED)["problems"] == ["127.0.0.1 returned HTTP 302"]
    assert len(webhook.posts) == 1


def test_no_proxy_sees_what_stays_on_this_machine(announce, webhook, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    assert announce(PUSHED)["problems"] == []


@pytest.mark.parametrize(
    "url", ["http://example.invalid/{}", "ftp://127.0.0.1/{}", "example.invalid/{}", "https:///{}"]
)
def test_what_is_not_encrypted_is_not_sent(url, announce, monkeypatch):
    monkeypatch.setenv("ANNOUNCE_URL", url.format(SECRET))
    assert announce(PUSHED)["problems"] == ["the URL in ANNOUNCE_URL must start with https://"]


@pytest.mark.parametrize(
    "url", ["https://[half/{}", "http://127.0.0.1:x/{}", "http://localhost/{} é"]
)
def test_a_broken_url_is_not_shown(url, announce, monkeypatch):
    monkeypatch.setenv("ANNOUNCE_URL", url.format(SECRET))
    [problem] = announce(PUSHED)["problems"]
    assert problem.startswith(("cannot read a URL from ANNOUNCE_URL", "localhost", "127.0.0.1"))


def test_a_missing_variable_is_named(announce, monkeypatch):
    monkeypatch.delenv("ANNOUNCE_URL")
    assert announce(PUSHED)["problems"] == [
        "the environment variable ANNOUNCE_URL is not set or empty"
    ]


def test_the_url_may_be_in_a_file(announce, webhook, tmp_path):
    file = tmp_path / "url"
    assert announce(PUSHED, webhook=str(file))["problems"] == [f"there is no file {file}"]
    file.write_text(webhook.url(SECRET) + "\n")
    assert announce(PUSHED, webhook=str(file))["problems"] == []
    assert posted(webhook)["outcome"] == "pushed"


def test_a_file_has_a_line_of_json_for_each_run(announce, webhook, tmp_path):
    file = tmp_path / "log.jsonl"
    announce(PUSHED, run_id="1", webhook="", file=str(file))
    announce({"pushed": 0}, (ODD,), run_id="2", webhook="", file=str(file), format="slack")
    first, second = map(json.loads, file.read_text().splitlines())
    assert (first["run"], first["outcome"], first["model"]) == ("1", "pushed", "/srv/m/1795938524")
    assert (second["run"], second["outcome"], second["model"]) == ("2", "not_blessed", "")
    assert second["failed"] == [ODD.detail]
    assert webhook.posts == []


def test_a_file_that_cannot_be_written_does_not_keep_the_webhook_from_its_message(
    announce, webhook, tmp_path
):
    file = tmp_path / "absent" / "log.jsonl"
    assert announce(PUSHED, file=str(file))["problems"] == [f"{file}: No such file or directory"]
    assert posted(webhook)["outcome"] == "pushed"


def test_a_run_id_that_an_old_backend_left_out_is_not_shown(announce, webhook):
    announce(PUSHED, run_id="{{$.pipeline_job_uuid}}", format="slack")
    assert "Run" not in posted(webhook)["text"]
