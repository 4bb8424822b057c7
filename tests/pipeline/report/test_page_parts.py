"""Parts of the page that need no run: figures, numbers, secrets, the model card."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from tensorflow_metadata.proto.v0.statistics_pb2 import FeatureNameStatistics

from tfxkit.report import histogram, words
from tfxkit.report.bootstrap import Interval
from tfxkit.report.figures import MODEL, axes, svg
from tfxkit.report.masking import MASK, masked
from tfxkit.report.metric_rows import MetricRow
from tfxkit.report.model_card import ModelCard, read

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
    assert words.metric(value) == text


def test_spans_of_time_and_dates():
    assert words.seconds(9.96) == "10.0 s"
    assert words.seconds(83.4) == "1 min 23 s"
    assert words.seconds(7260) == "2 h 1 min"
    assert words.date_writer("ms")(1_400_000_000_000) == "2014-05-13"
    assert words.date_writer("s")(1e30) == words.number(1e30)


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


def test_secrets_are_masked_wherever_they_stand():
    tree = {
        "beam": {"options": {"db_password": "hunter2", "region": "eu", "api_key": ["a", "b"]}},
        "data": {"path": "s3://user:hunter2@bucket/x"},
        "token": {"deep": {"inside": "hunter2"}},
        "cache": True,
    }
    found = masked(tree)
    assert "hunter2" not in str(found) and "user" not in str(found)
    assert found["beam"]["options"] == {
        "db_password": MASK,
        "region": "eu",
        "api_key": [MASK, MASK],
    }
    assert found["data"]["path"] == f"s3://{MASK}@bucket/x"
    assert found["cache"] is True


def test_a_card_may_be_absent_or_empty(tmp_path):
    assert read(tmp_path) is None
    (tmp_path / "model_card.yaml").write_text("")
    assert read(tmp_path) == ModelCard()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("intended_uses: [a]", "intended_uses"),
        ("limits: text", "limits"),
        ("a: [", "not valid YAML"),
        ("- a", "valid dictionary"),
    ],
)
def test_a_card_with_a_mistake_says_which(text, told, tmp_path):
    (tmp_path / "model_card.yaml").write_text(text)
    with pytest.raises(ValueError, match=told):
        read(tmp_path)


def numeric(*deciles):
    column = FeatureNameStatistics()
    quantiles = column.num_stats.histograms.add(type="QUANTILES")
    for low, high in pairwise(deciles):
        quantiles.buckets.add(low_value=low, high_value=high, sample_count=10)
    return column


def test_an_outlier_does_not_flatten_the_bars():
    now, before = numeric(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 1e9), numeric(*range(11))
    drawn = histogram.draw({"train": now, "served": before}, words.number)
    assert len(drawn.bars) == histogram.BINS and drawn.outlines.keys() == {"served"}
    assert sum(height > 0 for *_, height in drawn.bars) > 5
    assert drawn.low == "0" and drawn.high != words.number(1e9)


def test_values_share_their_bars_across_data_sets():
    columns = {}
    for name, counts in {"train": {"a": 3, "b": 1}, "eval": {"b": 4, "c": 1}}.items():
        column = columns.setdefault(name, FeatureNameStatistics())
        for value, count in counts.items():
            column.string_stats.rank_histogram.buckets.add(label=value, sample_count=count)
    drawn = histogram.draw(columns, words.number)
    heights = [height for *_, height in drawn.bars]  # of b, a, c, by what is frequent in both
    assert heights[0] < heights[1] and heights[2] == 0
