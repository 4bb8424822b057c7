"""A column of dates: the split by time that `init` proposes, and when it does not."""

import datetime
import re

import numpy as np
import pandas
import pytest
import yaml
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from tfxkit.config import loading

N = 300
FIRST = datetime.date(2023, 1, 1)
DAYS = [FIRST + datetime.timedelta(days=i) for i in range(N)]
RANDOM = np.random.default_rng(0)


def frame(**columns):
    """A table of 300 rows, one a day, with a label that becomes more frequent."""
    x = RANDOM.normal(size=N)
    late = np.linspace(-1, 1, N)
    label = np.where(x + late + RANDOM.normal(size=N) > 0, "yes", "no")
    table = {"x": x.round(3), "day": DAYS} | columns
    return pandas.DataFrame({**table, "label": table.pop("label", label)})


class Proposal:
    """Configuration and screen of `init`."""

    def __init__(self, project, capfd):
        self.text = (project / "configs" / "base.yaml").read_text()
        self.data = loading.load(project / "configs", ["local"]).data
        self.fast = loading.load(project / "configs", ["fast"]).data
        self.dataset = loading.load(project / "configs", ["local"]).dataset
        schema = (project / "configs" / "schema.pbtxt").read_text()
        features = text_format.Parse(schema, schema_pb2.Schema()).feature
        self.presence = {feature.name: feature.presence.min_fraction for feature in features}
        self.screen = capfd.readouterr().out


@pytest.fixture
def propose(init, project, tmp_path, capfd):
    """Runs `init` on a table, and returns its proposal."""

    def run(table, **options):
        table.to_csv(tmp_path / "own.csv", index=False)
        assert init(tmp_path / "own.csv", **options) == 0
        return Proposal(project, capfd)

    return run


def numbers(text, name):
    """Numbers in a row of a table that is printed."""
    [line] = [line for line in text.splitlines() if re.search(rf"^[ #]*{name} +[\d,]+ ", line)]
    return [float(word.replace(",", "")) for word in line.split(name)[1].split()]


def test_a_date_column_splits_by_time_and_shows_what_changes(propose):
    table = frame()
    found = propose(table)
    at = found.data.split_at
    assert (at.column, at.bounds) == ("day", {"eval": str(DAYS[200])})
    late = table["day"] >= DAYS[200]
    shares = [(table["label"][rows] == "yes").mean() for rows in (~late, late)]
    assert shares[1] - shares[0] > 0.2
    for text in (found.screen, found.text):
        assert "share of 'yes'" in text
        by_time, at_random = numbers(text, "by time"), numbers(text, "at random")
        assert by_time == pytest.approx([200, 100, *shares], abs=1e-3)
        assert at_random[:2] == pytest.approx([200, 100], abs=25)
        assert at_random[2:] == pytest.approx([(table["label"] == "yes").mean()] * 2, abs=0.15)
    assert "eval from 2023-07-20 on" in found.screen
    assert "move it when spans are added" in " ".join(found.text.replace("#", "").split())


def test_the_fast_run_reads_all_spans_where_dates_split_them(propose):
    assert propose(frame()).fast.spans == "all"
    assert propose(frame().drop(columns="day")).fast.spans == "last:2"


@pytest.mark.parametrize(("unit", "ticks"), [("s", 1), ("ms", 1000)])
def test_epochs_are_split_at_the_start_of_a_day(unit, ticks, propose):
    start = datetime.datetime(2023, 1, 1, 9, tzinfo=datetime.UTC)
    times = [start + datetime.timedelta(days=i) for i in range(N)]
    table = frame(created_at=[int(time.timestamp()) * ticks for time in times])
    found = propose(table.drop(columns="day"))
    bound = found.data.split_at.bounds["eval"]
    assert bound == datetime.datetime(2023, 7, 20, tzinfo=datetime.UTC).timestamp() * ticks
    assert found.dataset.columns["created_at"].unit == unit
    assert f"{bound}}}}} # 2023-07-20" in found.text


def test_a_regression_shows_the_mean_of_the_label(propose):
    table = frame().assign(label=np.linspace(0, 10, N) + RANDOM.normal(size=N))
    found = propose(table)
    late = table["day"] >= pandas.Timestamp(found.data.split_at.bounds["eval"]).date()
    means = [table["label"][rows].mean() for rows in (~late, late)]
    assert "mean of label" in found.screen
    assert numbers(found.screen, "by time")[2:] == pytest.approx(means, rel=0.01)


def test_classes_show_the_share_that_changes_most(propose):
    kinds = ["c" if RANDOM.random() < i / N else "ab"[i % 2] for i in range(N)]
    assert "share of 'c'" in propose(frame().assign(label=kinds)).screen


@pytest.mark.parametrize("form", ["%Y/%m/%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m"])
def test_iso_dates_of_any_form_are_split_at_a_date(form, propose):
    days = [(FIRST + datetime.timedelta(days=5 * i)).strftime(form) for i in range(N)]
    table = frame().assign(day=days)
    bound = propose(table).data.split_at.bounds["eval"]
    assert re.fullmatch(r"\d{4}.\d{2}(.\d{2})?", bound)
    assert sum(day >= bound for day in days) == pytest.approx(N / 3, abs=6)


REFUSED = {
    "day first": ({"day": [day.strftime("%d.%m.%Y") for day in DAYS]}, "does not sort by time"),
    "no zeros": ({"day": [f"2023-{d.month}-{d.day}" for d in DAYS]}, "does not sort by time"),
    "gaps": ({"day": [None, None, *DAYS[2:]]}, "2 rows have no date"),
    "birth": ({"birth_date": DAYS, "day": ["a", "b"] * 150}, "by its name not the time"),
    "one late day": ({"day": [DAYS[0]] * 290 + [DAYS[1]] * 10}, "no date has between a fifth"),
    "all at the end": ({"label": ["no"] * 240 + ["no", "yes"] * 30}, "only 0 rows before"),
    "none at the end": ({"label": ["no", "yes"] * 95 + ["no"] * 110}, "only 0 rows from"),
    "a constant end": ({"label": [*np.arange(190.0) ** 2, *[7] * 110]}, "always the same from"),
    "a late column": ({"z": [None] * 250 + [*range(1, 99, 2), 5]}, "z has no values before"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_where_no_split_by_time_is_sound_it_is_said(case, propose):
    columns, reason = REFUSED[case]
    found = propose(frame(**columns))
    assert found.data.split_at is None
    assert "split     at random" in found.screen
    assert reason in found.screen


@pytest.mark.parametrize("dates", [2, 3, 5])
def test_few_dates_give_no_tiny_split(dates, propose):
    days = [DAYS[30 * (i * dates // N)] for i in range(N)]
    at = propose(frame(day=days)).data.split_at
    share = sum(str(day) >= at.bounds["eval"] for day in days) / N
    assert 0.2 <= share <= 0.5


def test_of_several_columns_of_dates_the_first_is_taken_and_the_others_are_named(propose):
    later = [day + datetime.timedelta(days=9) for day in DAYS]
    found = propose(frame(day=DAYS, shipped=later))
    assert found.data.split_at.column == "day"
    assert "shipped: dates, too; day comes first." in found.screen


def test_several_spans_keep_their_random_split_and_have_the_other_as_a_comment(
    init, project, tmp_path, capfd
):
    table = frame()
    for number, rows in enumerate((table[:150], table[150:]), start=1):
        (tmp_path / "days" / f"span-{number}").mkdir(parents=True)
        rows.to_csv(tmp_path / "days" / f"span-{number}" / "rows.csv", index=False)
    assert init(tmp_path / "days") == 0
    found = Proposal(project, capfd)
    assert found.data.split_at is None
    assert found.fast.spans == "last:2"
    assert "split     at random. To split by day" in found.screen
    [line] = [line for line in found.text.splitlines() if "# split_at:" in line]
    setting = yaml.safe_load(line.replace("# ", "", 1))
    assert setting == {"split_at": {"column": "day", "bounds": {"eval": str(DAYS[200])}}}


def test_thresholds_are_beyond_a_constant_prediction_in_the_new_rows(propose):
    label = ["no", "yes"] * 95 + ["yes"] * 75 + ["no"] * 35
    threshold = propose(frame(label=label)).dataset.evaluation.thresholds["accuracy"].min
    assert threshold > 0.7  # 0.68 of the last hundred rows are the same, and 0.57 of all


def test_a_column_that_fades_out_is_allowed_to_be_as_rare_as_it_is_in_eval(propose):
    size = [i if i < 200 or i % 4 == 0 else None for i in range(N)]
    assert propose(frame(size=size)).presence["size"] <= 0.25
