"""A reader of the project's own yields the rows: as files would, and a wrong one is refused."""

from __future__ import annotations

import contextlib
import itertools
import json
import logging
import sqlite3
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from tests.components.example_gen.conftest import reading_of
from tests.components.example_gen.example_gen_run import SPLITS, Runner, values
from tests.sample_project import LIBRARY
from tfxkit.components.example_gen.component import SpanExampleGen, resolve_spans
from tfxkit.components.example_gen.reader import Reader
from tfxkit.components.example_gen.spans import range_config
from tfxkit.components.example_gen.splits import BoundSplits, HashSplits
from tfxkit.components.example_gen.writer import RowFormat, ShardWriter
from tfxkit.config.data import PLAIN_CSV, SplitAt
from tfxkit.errors import DataError

READING = reading_of({"count": "INT", "name": "BYTES", "price": "FLOAT"})
# Its source is a folder of JSON files, one for each span, that hold columns.
READER = """
import json
from pathlib import Path

import pyarrow as pa


def list_spans(path, rows=7):
    return {int(file.stem): file.read_text() for file in Path(path).glob("*.json")}


def read_span(path, span, rows=7):
    columns = json.loads(Path(path, f"{span}.json").read_text())
    yield from pa.table(columns).to_batches(max_chunksize=rows)
"""
_numbers = itertools.count()


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Writes a module of the given source and returns its name."""
    monkeypatch.syspath_prepend(str(tmp_path / "code"))
    (tmp_path / "code").mkdir()

    def module(source: str) -> str:
        name = f"own_reader_{next(_numbers)}"  # Python keeps what it has imported
        (tmp_path / "code" / f"{name}.py").write_text(source)
        return name

    return module


def columns(start, stop):
    numbers = range(start, stop)
    return {
        "name": [None if i % 10 == 0 else f"n{i * 7 % 40}" for i in numbers],
        "count": [None if i % 9 == 0 else i % 70 for i in numbers],
        "price": [i / 4 for i in numbers],
    }


@pytest.fixture
def deliver(tmp_path):
    """Writes a span for the reader, and the same as a CSV file."""

    def deliver(span, table):
        path = tmp_path / "tables" / f"{span}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(table))
        rows = zip(*table.values(), strict=True)
        lines = [",".join("" if v is None else str(v) for v in row) for row in rows]
        path = tmp_path / "data" / f"span-{span}" / "rows.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join([",".join(table), *lines, ""]))

    return deliver


class TablesRunner(Runner):
    """Runs the step on what the reader yields."""

    def __init__(self, root: Path, schema, reader: str):
        super().__init__(root, schema)
        self.data, self.reader = root / "tables", reader

    def run(self, spans="all", **options):
        super().run(spans, reader=self.reader, **options)


def written(artifact):
    uri = Path(artifact.uri)
    return {path.relative_to(uri): path.read_bytes() for path in sorted(uri.glob("Split-*/*"))}


@pytest.mark.slow
def test_the_artifact_is_that_of_the_same_rows_in_csv_files(
    tmp_path, small_schema, module, deliver
):
    deliver(1, columns(0, 60))
    deliver(2, columns(60, 150))
    Runner(tmp_path, small_schema).run(required=("name",), name="files")
    runner = TablesRunner(tmp_path, small_schema, module(READER))
    runner.run(required=("name",), name="own", reader_options={"rows": 11})
    files, own = runner.artifacts()
    assert written(own) == written(files)
    assert len(written(own)) == 4
    told, of_files = own.custom_properties, files.custom_properties
    for name in ("spans", "span", "left_out"):
        assert told[name] == of_files[name]
    assert told["left_out"].int_value == 15
    assert told["reader"].string_value == runner.reader
    assert told["input_fingerprint"].string_value.startswith("reader:")
    outcomes = json.loads(Path(own.uri, "files.json").read_text())
    of_files = json.loads(Path(files.uri, "files.json").read_text())
    assert outcomes["repeated_share"] == of_files["repeated_share"]
    assert [one["rows"] for one in outcomes["files"]] == [one["rows"] for one in of_files["files"]]
    assert outcomes["files"][0]["file"] == f"span 1 of {runner.reader}"


@pytest.mark.slow
def test_it_runs_again_when_a_fingerprint_changes_and_only_then(
    tmp_path, small_schema, module, deliver
):
    for span in (1, 2, 3):
        deliver(span, columns(50 * span, 50 * span + 50))
    runner = TablesRunner(tmp_path, small_schema, module(READER))
    runner.run("last:2")
    runner.run("last:2")
    deliver(1, columns(0, 20))  # not one of the two
    runner.run("last:2")
    assert runner.states() == ["COMPLETE", "CACHED", "CACHED"]
    deliver(3, columns(0, 30))
    runner.run("last:2")
    runner.run("last:2", reader_options={"rows": 5})
    runner.run("1")
    assert runner.states()[3:] == ["COMPLETE"] * 3
    spans = [artifact.custom_properties["spans"].string_value for artifact in runner.artifacts()]
    assert spans == ["[2, 3]", "[2, 3]", "[2, 3]", "[1]"]
    assert sum(map(len, runner.newest().values())) == 20


@pytest.mark.slow
def test_an_error_of_the_reader_leaves_nothing_to_reuse(tmp_path, small_schema, module, deliver):
    deliver(1, columns(0, 50))
    deliver(2, columns(0, 50) | {"count": ["many"] * 50})
    runner = TablesRunner(tmp_path, small_schema, module(READER))
    with pytest.raises(DataError) as caught:
        runner.run()
    assert f"span 2 of {runner.reader} has values that do not fit" in str(caught.value)
    assert "count is INT, but row 1 of batch 1 has 'many', as do 49 more" in str(caught.value)
    assert not any((tmp_path / "test/ExampleGen/examples").iterdir())
    deliver(2, columns(50, 90))
    runner.run()
    assert len(runner.artifacts()) == 1


def test_the_code_of_the_reader_is_part_of_the_cache_key(small_schema, module, tmp_path):
    def key(reader):
        step = SpanExampleGen("data", small_schema, "all", SPLITS, reader=reader)
        return step.exec_properties["code_hash"]

    reader = module(READER)
    before = key(reader)
    assert key(reader) == before
    (tmp_path / "code" / f"{reader}.py").write_text(READER + "# edited\n")
    assert key(reader) != before
    with pytest.raises(ValueError, match=r"data\.reader: no_such_reader cannot be imported"):
        key("no_such_reader")


def test_spans_are_chosen_as_those_of_files_are(small_schema, module, deliver, tmp_path):
    reader = module(READER)
    for span in (3, 4, 5):
        deliver(span, columns(0, 9))

    def resolved(spans):
        step = SpanExampleGen(str(tmp_path / "tables"), small_schema, spans, SPLITS, reader=reader)
        return resolve_spans(dict(step.exec_properties))

    chosen = {spans: resolved(spans)["spans"] for spans in ("all", "newest", "last:2", "4")}
    assert chosen == {"all": "[3, 4, 5]", "newest": "[5]", "last:2": "[4, 5]", "4": "[4]"}
    assert resolve_spans(resolved("last:2")) == resolved("last:2")
    prints = {resolved(spans)["input_fingerprint"] for spans in chosen}
    assert len(prints) == 4
    with pytest.raises(DataError, match=rf"{reader} lacks span 7 of .*\nFound: 3 to 5"):
        resolved("7")
    (tmp_path / "tables" / "4.json").unlink()
    with pytest.raises(DataError, match=r"lacks span 4 of .* \(3 to 5\)"):
        resolved("all")


class Step:
    """The work of the step on a span, without Beam."""

    def __init__(self, folder: Path, splits=None, required=()):
        splits = splits or HashSplits(SPLITS)
        self.folder = folder
        self.writer = ShardWriter(RowFormat(READING, PLAIN_CSV, required), splits, str(folder), 1)

    def read(self, reader, path="", **options):
        return self.writer.write_span(Reader(reader, str(path), options), 1, 0)

    def written(self):
        return {path.name: path.read_bytes() for path in self.folder.glob("Split-*/*")}


@pytest.mark.parametrize(
    ("splits", "required"),
    [
        (HashSplits(SPLITS, "name"), ()),
        (BoundSplits(("train", "eval"), SplitAt(column="price", bounds={"eval": 9.5})), ("count",)),
    ],
    ids=["split_by", "split_at"],
)
def test_splits_and_rows_left_out_do_not_depend_on_the_batches(
    module, deliver, tmp_path, splits, required
):
    deliver(1, columns(0, 100))
    found = []
    for rows in (1, 7, 1000):
        step = Step(tmp_path / str(rows), splits, required)
        outcome = step.read(module(READER), tmp_path / "tables", rows=rows)
        assert outcome["error"] is None
        found.append((outcome["rows"], outcome["left_out"], step.written()))
    assert [other[1:] for other in found] == [found[0][1:]] * 3
    assert sum(found[0][0].values()) + found[0][1] == 100


def rows_of(reader):
    return Reader(reader, "", {}).open(1, READING)


def table_reader(module, *batches):
    """A reader that yields batches, each written as Python has it."""
    yields = "".join(f"    yield {batch}\n" for batch in batches)
    lines = ["import decimal, datetime", "import pyarrow as pa", "def list_spans(path): ..."]
    return module("\n".join([*lines, "def read_span(path, span):", yields]))


def test_values_are_cast_to_the_types_of_the_schema(module):
    reader = table_reader(
        module,
        "pa.record_batch({'count': [1.0, float('nan')], 'price': [None, None], 'name': ['a', '']})",
        "pa.record_batch({'name': [7, 8], 'price': [decimal.Decimal('1.5'), None],"
        " 'count': [True, None]})",
        "pa.record_batch({'name': pa.array(['a', 'b']).dictionary_encode(), 'count': ['5', ' 6 '],"
        " 'price': ['1e3', '']})",
    )
    table = pa.Table.from_batches(
        batch.select(sorted(READING.columns)) for batch in rows_of(reader)
    )
    assert table.to_pydict() == {
        "count": [1, None, 1, None, 5, 6],
        "name": [b"a", None, b"7", b"8", b"a", b"b"],
        "price": [None, None, 1.5, None, 1000.0, None],
    }
    assert table.schema.types == [pa.int64(), pa.binary(), pa.float32()]


def test_columns_that_the_schema_lacks_get_a_type_and_reach_the_validator(module, tmp_path):
    reader = table_reader(
        module,
        "pa.record_batch({'count': [1], 'new': [None], 'day': [datetime.date(2024, 2, 29)]})",
        "pa.record_batch({'count': [2], 'new': [0.5], 'day': [None]})",
    )
    step = Step(tmp_path / "out", HashSplits({"all": 1}))
    assert step.read(reader)["guessed"] == {"new": "FLOAT", "day": "BYTES"}
    import tensorflow as tf

    [file] = (tmp_path / "out").glob("Split-all/*")
    rows = [r.numpy() for r in tf.data.TFRecordDataset(str(file), compression_type="GZIP")]
    assert values(rows, "new") == [None, 0.5]
    assert values(rows, "day") == [b"2024-02-29", None]


@pytest.mark.slow
def test_spans_that_disagree_about_a_new_column_are_refused(
    tmp_path, small_schema, module, deliver
):
    deliver(1, columns(0, 20) | {"new": [1] * 20})
    deliver(2, columns(0, 20) | {"new": ["a"] * 20})
    runner = TablesRunner(tmp_path, small_schema, module(READER))
    with pytest.raises(DataError, match=r"column new.* is INT in span 1 of .* BYTES in span 2"):
        runner.run()


def test_rows_are_read_as_they_are_needed_and_in_small_batches(module):
    reader = module(
        "import pyarrow as pa\n"
        "BEGUN = []\n"
        "def list_spans(path): ...\n"
        "def read_span(path, span):\n"
        "    for number in range(3):\n"
        "        BEGUN.append(number)\n"
        "        yield pa.record_batch({'count': range(120_000)})\n"
    )
    batches = iter(rows_of(reader))
    assert next(batches).num_rows == 50_000
    assert sys.modules[reader].BEGUN == [0]
    assert sum(batch.num_rows for batch in batches) == 310_000
    assert sys.modules[reader].BEGUN == [0, 1, 2]


BATCH = "pa.record_batch({'count': [1, 2]})"
WRONG_ROWS = {
    "no rows": ((), "span 1 of {} has no rows: read_span yielded none"),
    "empty batches": (["pa.record_batch({'count': []})"], "span 1 of {} has no rows"),
    "dicts": (["{'count': 1}"], "{}.read_span yielded dict. It must yield pyarrow.RecordBatch"),
    "tables": (["pa.table({'count': [1]})"], "read_span yielded pyarrow.lib.Table. It must yield"),
    "none": ([BATCH, "None"], "{}.read_span yielded None"),
    "fails": (
        [BATCH, "1 / 0"],
        "{}.read_span failed on span 1: ZeroDivisionError: division by zero",
    ),
    "no column of the schema": (
        ["pa.record_batch({'Count': [1], 'PRICE': [1]})"],
        "span 1 of {} has none of the columns in configs/schema.pbtxt.\n"
        "It has: Count, PRICE\nExpected: count, name, price\nName the columns in read_span",
    ),
    "a column twice": (
        ["pa.record_batch([[1], [2], [3]], names=['id', 'count', 'id'])"],
        "span 1 of {} has more than one column 'id'",
    ),
    "a column less": (
        [BATCH, "pa.record_batch({'count': [1], 'price': [1.0]})"],
        "span 1 of {}: batches 1 and 2 differ in columns (price)",
    ),
    "nested": (
        ["pa.record_batch({'count': [[1], [2]]})"],
        "span 1 of {}: the column count is list<item: int64> and cannot be read as INT",
    ),
    "times for numbers": (
        ["pa.record_batch({'count': [datetime.datetime(2024, 1, 1)]})"],
        "the column count is timestamp[us] and cannot be read as INT",
    ),
    "misfits": (
        [BATCH, BATCH, "pa.record_batch({'count': [1, 1.5, 2.5]})"],
        "  count is INT, but row 2 of batch 3 has 1.5, as do 1 more\nConvert them in read_span",
    ),
}


@pytest.mark.parametrize("case", WRONG_ROWS)
def test_rows_that_cannot_be_read_are_refused(module, tmp_path, case):
    batches, message = WRONG_ROWS[case]
    body = [f"(yield {batch})" if "1 / 0" not in batch else batch for batch in batches]
    source = ["import datetime", "import pyarrow as pa", "def list_spans(path): ..."]
    source += ["def read_span(path, span):", *(f"    {line}" for line in body or ["return []"])]
    reader = module("\n".join(source))
    outcome = Step(tmp_path / "out").read(reader)
    assert message.format(reader) in outcome["error"]
    assert "Traceback" not in outcome["error"]


WRONG_MODULES = {
    "no rows function": ("def list_spans(path): ...", "has no function read_span"),
    "cannot be imported": (
        "import no_such_driver",
        "{} (data.reader) cannot be imported: ModuleNotFoundError: No module named 'no_such",
    ),
    "other parameters": (
        "def read_span(span): ...",
        "{}.read_span cannot be called as read_span(path, span): too many positional arguments",
    ),
    "returns nothing": ("def read_span(path, span): ...", "{}.read_span returned None"),
    "a whole table": (
        "import pyarrow as pa\ndef read_span(path, span): return pa.table({'count': [1]})",
        "{}.read_span returned pyarrow.lib.Table",
    ),
    "a data error": (
        "from tfxkit.errors import DataError\n"
        "def read_span(path, span): raise DataError('The nightly export is late.')",
        "{}.read_span failed on span 1: The nightly export is late.",
    ),
}


@pytest.mark.parametrize("case", WRONG_MODULES)
def test_a_module_that_is_no_reader_is_refused(module, tmp_path, case):
    source, message = WRONG_MODULES[case]
    reader = module(source)
    assert message.format(reader) in Step(tmp_path / "out").read(reader)["error"]


WRONG_LISTS = {
    "nothing": ("None", "{}.list_spans returned None. It must return a dict"),
    "a list": ("[1, 2]", "{}.list_spans returned list. It must return a dict"),
    "no span": ("{}", "{}.list_spans found no spans in somewhere.\nAdd data, or set data.path"),
    "a fingerprint of a number": ("{1: 17}", "{}.list_spans returned 1: 17. It must return"),
    "text for a number": ("{'1': 'a'}", "{}.list_spans returned '1': 'a'. It must"),
    "too large": ("{2**40: 'a'}", "returned the span 1099511627776. Number spans from 0 to"),
    "an exception": ("{1: {}['x']}", "{}.list_spans failed: KeyError: 'x'"),
}


@pytest.mark.parametrize("case", WRONG_LISTS)
def test_a_list_of_spans_that_cannot_be_used_is_refused(module, small_schema, case, caplog):
    source, message = WRONG_LISTS[case]
    reader = module(f"def list_spans(path): return {source}")
    step = SpanExampleGen("somewhere", small_schema, "all", SPLITS, reader=reader)
    with caplog.at_level(logging.WARNING), pytest.raises(DataError) as caught:
        resolve_spans(dict(step.exec_properties))
    assert message.replace("{}", reader, 1) in str(caught.value)
    # The log has the line of the owner's code.
    assert any(record.exc_info for record in caplog.records) == (case == "an exception")


def list_spans(path):
    return {1: "a"}


def read_span(path, span):
    yield pa.record_batch({"count": [1, 2]})
    yield pa.record_batch({"count": [amuont]})  # noqa: F821


def test_an_exception_is_shown_with_the_line_of_the_owners_code():
    with pytest.raises(DataError) as caught:
        list(Reader(__name__, "shop.sqlite", {}).read(1))
    file, line = (
        "library/tests/components/example_gen/test_reader.py",
        read_span.__code__.co_firstlineno + 2,
    )
    assert str(caught.value) == (
        f"{__name__}.read_span failed on span 1: NameError: name 'amuont' is not defined\n"
        f"{file}, line {line}, in read_span: "
        'yield pa.record_batch({"count": [amuont]})  # noqa: F821'
    )


def test_an_option_that_the_reader_does_not_take_is_named(module, small_schema):
    reader = module(READER)
    step = SpanExampleGen(
        "x", small_schema, "all", SPLITS, reader=reader, reader_options={"tabel": "orders"}
    )
    with pytest.raises(DataError, match=r"list_spans\(path, tabel=…\): .*'tabel'.*\n.*_options"):
        resolve_spans(dict(step.exec_properties))


def test_the_example_of_the_docs_works_as_it_stands(module, tmp_path):
    page = (LIBRARY / "docs/extending/source.md").read_text()
    source = page.partition("```python\n")[2].partition("```")[0]
    database = tmp_path / "shop.sqlite"
    with contextlib.closing(sqlite3.connect(database)) as connection:
        connection.executescript(
            "CREATE TABLE customers (id INTEGER, country TEXT);"
            "CREATE TABLE orders (id INTEGER, customer_id INTEGER, week INTEGER, updated TEXT,"
            " amount REAL, items INTEGER, returned TEXT);"
            "INSERT INTO customers VALUES (1, 'CL'), (2, NULL);"
            "INSERT INTO orders VALUES (1, 2, 7, '2024-02-01', 9.5, 1, 'no'),"
            " (2, 1, 7, '2024-02-03', NULL, 2, 'yes'), (3, 1, 8, '2024-02-09', 4, 3, 'no');"
        )
    reader = Reader(module(source), str(database), {})
    assert reader.select(range_config("all")) == {7: "2 rows, 2024-02-03", 8: "1 rows, 2024-02-09"}
    reading = reading_of(
        {"amount": "FLOAT", "items": "INT", "country": "BYTES", "returned": "BYTES"}
    )
    assert [batch.to_pylist() for batch in reader.open(7, reading)] == [
        [
            {"amount": 9.5, "items": 1, "country": None, "returned": b"no"},
            {"amount": None, "items": 2, "country": b"CL", "returned": b"yes"},
        ]
    ]
