"""The sample is what the tfx package ships, and the schema fits it and notices what is wrong."""

import pyarrow as pa
import pytest
import tensorflow_data_validation as tfdv
from tensorflow_data_validation.statistics import stats_impl

from tests.components.example_gen.conftest import encode, read_table
from tests.components.gate_run import read_schema
from tests.data import make_spans
from tests.data.shipped_sample import CONFIGS, DATA
from tfxkit.components.example_gen.splits import HashSplits, row_hash
from tfxkit.config import loading as config

SPANS = sorted(DATA.glob("span-*/*.csv"))
SCHEMA = read_schema(CONFIGS / "schema.pbtxt")


def anomalies(table, environment=None):
    """Column -> what TFDV has against it, as ExampleValidator would find."""
    columns = [
        pa.array([None if v is None else [v] for v in column.to_pylist()], pa.list_(column.type))
        for column in table.columns
    ]
    batch = pa.RecordBatch.from_arrays(columns, table.column_names)
    statistics = stats_impl.generate_statistics_in_memory(batch, tfdv.StatsOptions())
    found = tfdv.validate_statistics(statistics, SCHEMA, environment=environment)
    return {name: info.description for name, info in found.anomaly_info.items()}


@pytest.fixture(scope="module")
def newest():
    return read_table(str(SPANS[-1]), SCHEMA)


def test_the_script_makes_the_spans_again(tmp_path, monkeypatch):
    monkeypatch.setattr(make_spans, "TARGET", tmp_path)
    make_spans.main()
    made = {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*.csv")}
    assert made == {path.relative_to(DATA): path.read_bytes() for path in SPANS}


def test_no_row_of_the_source_is_lost_or_changed():
    header, *rows = make_spans.source_file().read_bytes().splitlines()
    parts = [path.read_bytes().splitlines() for path in SPANS]
    assert all(part[0] == header for part in parts)
    assert sorted(row for part in parts for row in part[1:]) == sorted(rows)
    assert len(rows) == len(set(rows)) == 15_002


def test_spans_follow_each_other_in_time():
    last = 0
    for path in SPANS:
        starts = read_table(str(path), SCHEMA).column("trip_start_timestamp").to_pylist()
        assert starts == sorted(starts)
        assert starts[0] > last
        last = starts[-1]


@pytest.mark.parametrize("path", SPANS, ids=lambda path: path.parent.name)
def test_every_split_of_every_span_fits_the_schema(path):
    table = read_table(str(path), SCHEMA)
    splits = HashSplits({"train": 2, "eval": 1})
    names = pa.array(splits.assign(map(row_hash, encode(table))))
    for split in ("train", "eval"):
        rows = table.filter(pa.compute.equal(names, split))
        assert rows.num_rows > 200
        assert anomalies(rows) == anomalies(rows, "TRAINING") == {}


def test_the_tip_is_never_shown_to_the_model():
    dataset = config.load(CONFIGS).dataset
    assert dataset.label_sources() == {"tips"}
    assert "tips" not in dataset.features()


def test_tips_belong_to_training_and_are_not_asked_for_in_serving(newest):
    without = newest.drop_columns(["tips"])
    assert anomalies(without, "SERVING") == {}
    assert anomalies(without, "TRAINING").keys() == {"tips"}


@pytest.mark.parametrize(
    ("column", "factor"),
    [
        ("fare", 100),  # cents
        ("tips", 100),
        ("trip_miles", 1609),  # metres
        ("trip_seconds", 1000),  # milliseconds
        ("trip_start_timestamp", 1000),
        ("pickup_longitude", -1),
        ("trip_start_hour", 2),
    ],
)
def test_another_unit_is_an_anomaly(newest, column, factor):
    position = newest.column_names.index(column)
    values = pa.compute.multiply(newest.column(column), pa.scalar(factor, newest[column].type))
    assert anomalies(newest.set_column(position, column, values)).keys() == {column}


@pytest.mark.parametrize(("rows", "expected"), [(5, set()), (20, {"payment_type"})])
def test_a_new_way_to_pay_is_an_anomaly_once_it_is_in_use(newest, rows, expected):
    values = [b"Crypto"] * rows + newest.column("payment_type").to_pylist()[rows:]
    position = newest.column_names.index("payment_type")
    changed = newest.set_column(position, "payment_type", pa.array(values, pa.binary()))
    assert anomalies(changed).keys() == expected
