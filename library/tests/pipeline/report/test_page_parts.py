"""Parts of the page that need no run: verdict, figures, numbers, secrets, the model card."""

from __future__ import annotations

import re

import pytest

from tests.pipeline.report.bare_run import bare_run
from tfxkit.evaluation import Check
from tfxkit.report import formatting
from tfxkit.report.bootstrap import Interval
from tfxkit.report.features import FeaturesSection
from tfxkit.report.figures import MODEL, axes, svg
from tfxkit.report.model_card import ModelCard, read_model_card
from tfxkit.report.origin import MASK, mask_secrets
from tfxkit.report.page import environment
from tfxkit.report.quality import MetricRow
from tfxkit.report.verdict import build_verdict
from tfxkit.runs.summary import Status

HOSTILE = '"><img src=x onerror=alert(1)> $x^2$'


def figure(key):
    with axes("x", HOSTILE) as pair:
        pair.plot([1, 2, 3], color=MODEL, marker="o")
        return svg(pair, key, HOSTILE, HOSTILE)


def test_a_figure_keeps_texts_as_texts():
    text = figure("a")
    assert "<img" not in text
    assert "&lt;img src=x onerror=alert(1)&gt; $x^2$" in text  # no formula
    assert text.startswith('<svg class="figure" role="img" aria-labelledby="a-title a-desc"')


def test_the_figures_of_a_page_share_no_ids_and_point_at_their_own():
    one, other = figure("a"), figure("b")
    ids = [set(re.findall(r'\bid="([^"]+)"', text)) for text in (one, other)]
    assert ids[0] and not ids[0] & ids[1]
    for text, own in zip((one, other), ids, strict=True):
        assert {*re.findall(r'href="#([^"]+)"', text), *re.findall(r"url\(#([^)]+)\)", text)} <= own


def test_a_figure_has_the_colours_and_the_font_of_the_page():
    text = figure("a")
    assert "var(--model)" in text and "var(--sans)" in text
    assert "#0a0b" not in text and "DejaVu" not in text
    assert "http" not in text.replace("http://www.w3.org/", "")


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.88, "0.8800"), (1.0, "1.000"), (3162.4, "3,162"), (9e-5, "9.0e-05"), (None, "–"),
     (float("nan"), "–")],
)  # fmt: skip
def test_metrics_have_four_digits(value, text):
    assert formatting.metric(value) == text


def test_durations_and_dates():
    assert formatting.duration(9.96) == "10.0 s"
    assert formatting.duration(83.4) == "1 min 23 s"
    assert formatting.duration(7260) == "2 h 1 min"
    assert formatting.date_formatter("ms")(1_400_000_000_000) == "2014-05-13"
    assert formatting.date_formatter("s")(1e30) == formatting.number(1e30)


@pytest.mark.parametrize(
    ("better", "low", "high", "moved"),
    [
        ("higher", 0.01, 0.02, "better"),
        ("higher", -0.02, -0.01, "worse"),
        ("higher", -0.01, 0.01, "unclear"),
        ("lower", 0.01, 0.02, "worse"),
        ("lower", -0.02, -0.01, "better"),
        ("near 1", 0.01, 0.02, "undirected"),
    ],
)
def test_a_change_is_clear_when_its_interval_leaves_zero_out(better, low, high, moved):
    row = MetricRow("m", 0.5, None, 0.4, Interval(low, high), better, ())
    assert row.moved == moved


def test_secrets_are_masked_at_any_depth():
    tree = {
        "beam": {"options": {"db_password": "hunter2", "region": "eu", "api_key": ["a", "b"]}},
        "data": {"path": "s3://user:hunter2@bucket/x"},
        "token": {"deep": {"inside": "hunter2"}},
        "cache": True,
    }
    found = mask_secrets(tree)
    assert "hunter2" not in str(found) and "user" not in str(found)
    assert found["beam"]["options"] == {
        "db_password": MASK,
        "region": "eu",
        "api_key": [MASK, MASK],
    }
    assert found["data"]["path"] == f"s3://{MASK}@bucket/x"
    assert found["cache"] is True


def test_a_card_may_be_absent_or_empty(tmp_path):
    assert read_model_card(tmp_path) is None
    (tmp_path / "model_card.yaml").write_text("")
    assert read_model_card(tmp_path) == ModelCard()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("intended_uses: [a]", "intended_uses"),
        ("limits: text", "limits"),
        ("a: [", "not valid YAML"),
        ("- a", "valid dictionary"),
    ],
)
def test_the_error_in_a_card_is_named(text, problem, tmp_path):
    (tmp_path / "model_card.yaml").write_text(text)
    with pytest.raises(ValueError, match=problem):
        read_model_card(tmp_path)


@pytest.mark.parametrize(
    ("thresholds", "sentence"),
    [
        (0, "Pushed as version 3: it is held to no threshold, and the serving check passed."),
        (1, "Pushed as version 3: its one threshold holds, and the serving check passed."),
        (2, "Pushed as version 3: both thresholds hold, and the serving check passed."),
        (3, "Pushed as version 3: all 3 thresholds hold, and the serving check passed."),
    ],
)
def test_the_verdict_counts_the_thresholds(thresholds, sentence, tmp_path):
    """A serving check is mentioned only where the pipeline has one."""
    checks = tuple(Check(name=f"{n}: min", passed=True, detail="") for n in range(thresholds))
    pushed = {"thresholds": checks, "pushed_path": "serving_model/3"}
    without_check = bare_run(tmp_path / "a", Status.PUSHED, **pushed)
    assert build_verdict(without_check).sentence.strip() == sentence.replace(
        ", and the serving check passed", ""
    )
    run = bare_run(tmp_path / "b", Status.PUSHED, **pushed, serving_check={"blessed": True})
    assert build_verdict(run).sentence.strip() == sentence


def test_the_page_names_the_sampled_splits():
    template = environment().get_template("features.html")
    text = template.render(content=FeaturesSection([], {"train": 7, "eval": 1}, []))
    assert "Ranges and shares of train are from one row in 7." in text
    assert "of eval are" not in text
    assert "one row in" not in template.render(
        content=FeaturesSection([], {"train": 1, "eval": 1}, [])
    )
