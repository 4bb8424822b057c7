"""Spans of a run: their selection, errors for missing spans, and detection of changes."""

import os
import shutil

import pytest
from tfx.proto import range_config_pb2

from tfxkit.components.example_gen import spans
from tfxkit.components.example_gen.spans import fingerprint, range_config, select
from tfxkit.errors import DataError


@pytest.fixture
def base(write, tmp_path):
    """Makes spans of one file each."""

    def make(*folders):
        (tmp_path / "in").mkdir(exist_ok=True)
        for folder in folders:
            write(f"in/{folder}/rows.csv", "count\n1\n")
        return str(tmp_path / "in")

    return make


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("newest", (4,)),
        ("all", (2, 3, 4)),
        ("3", (3,)),
        ("003", (3,)),
        ("last:2", (3, 4)),
        ("last:9", (2, 3, 4)),
    ],
)
def test_takes_the_spans_that_are_wanted(base, wanted, expected):
    folder = base("span-4", "span-0002", "span-3", "notes")
    selection = select(folder, range_config(wanted))
    assert selection.spans == expected
    names = {2: "span-0002", 3: "span-3", 4: "span-4"}
    assert selection.files == tuple(f"{folder}/{names[span]}/rows.csv" for span in expected)


def test_orders_spans_by_number_and_takes_all_formats(base, write):
    folder = base(*[f"span-{i}" for i in range(8, 12)])
    for name in ("b.parquet", "a.csv.gz", ".DS_Store", "rows.csv~", "_SUCCESS", "x.tmp"):
        write(f"in/span-9/{name}", "")
    files = [os.path.relpath(path, folder) for path in select(folder, range_config("all")).files]
    assert files == [
        "span-8/rows.csv",
        "span-9/a.csv.gz",
        "span-9/b.parquet",
        "span-9/rows.csv",
        "span-10/rows.csv",
        "span-11/rows.csv",
    ]


@pytest.mark.parametrize("text", ["", "latest", "last:0", "last:", "-1", "1-3", "last:2 "])
def test_refuses_other_choices(text):
    with pytest.raises(DataError, match="newest, all, last:3"):
        range_config(text)


def test_one_span_is_tfx_s_own_message():
    assert range_config("7").static_range == range_config_pb2.StaticRange(
        start_span_number=7, end_span_number=7
    )
    assert range_config("newest").rolling_range.num_spans == 1


@pytest.mark.parametrize(
    ("folders", "wanted", "message"),
    [
        (
            ["span-1", "span-2", "span-5"],
            "all",
            r"lacks span 3 to 4 of .*1 to 5.*\nFound: 1 to 2, 5",
        ),
        (["span-1", "span-3"], "last:2", r"lacks span 2 of .*2 to 3"),
        (["span-1", "span-2"], "7", r"lacks span 7 of .*\nFound: 1 to 2"),
        (["span-1", "span-01"], "all", "span 1 twice, as span-01 and as span-1"),
        (["notes"], "all", r"no spans: folders span-1.*\nFound: notes"),
        ([], "newest", r"no spans.*\nFound: nothing"),
    ],
)
def test_says_what_is_missing(base, folders, wanted, message):
    folder = base(*folders)
    with pytest.raises(DataError, match=message) as caught:
        select(folder, range_config(wanted))
    assert folder in str(caught.value)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ([".hidden"], "span-1 has no data files"),
        (["a.csv", "b.xlsx"], r"holds b.xlsx, which is not a file that ends in \.csv"),
        (["a.csv", "part/b.csv"], "holds part, which is not a file"),
        (["a.csv", "b.parquet/0.parquet"], "holds b.parquet, which is not a file"),
        (["a.csv", "a.parquet"], "both a.csv and a.parquet: the same rows twice"),
    ],
)
def test_says_what_does_not_belong_in_a_span(write, tmp_path, files, message):
    for name in files:
        write(f"span-1/{name}", "")
    with pytest.raises(DataError, match=message):
        select(str(tmp_path), range_config("all"))


def test_takes_the_newest_version_of_each_span(base, write):
    folder = base("span-1/version-9", "span-1/version-0010", "span-2", "span-3/version-0")
    for name in ("span-1/version-10~/a.csv", "span-1/_SUCCESS"):
        write(f"in/{name}", "")
    selection = select(folder, range_config("all"))
    assert selection.versions == (10, None, 0)
    assert [os.path.relpath(path, folder) for path in selection.files] == [
        "span-1/version-0010/rows.csv",
        "span-2/rows.csv",
        "span-3/version-0/rows.csv",
    ]
    settled = select(folder, range_config("all"), [9, None, 0])
    assert settled.versions == (9, None, 0)
    assert settled.files[0] == f"{folder}/span-1/version-9/rows.csv"
    with pytest.raises(DataError, match=r"span-1 has no version 8 any more.*Start it again"):
        select(folder, range_config("1"), [8])


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (["version-1/a.csv", "b.csv"], "span-1 holds b.csv beside folders of versions"),
        (["version-1/a.csv", "part/b.csv"], "span-1 holds part beside folders of versions"),
        (["version-1/a.csv", "version-2"], "span-1 holds version-2 beside folders of versions"),
        (["version-1", "a.csv"], "holds version-1, which is not a file that ends in"),
        (["version-1/a.csv", "version-01/a.csv"], "version 1 twice, as version-01 and as version-"),
        (["version-1/a.csv", "version-2/.hidden"], "span-1/version-2 has no data files"),
        (["version-1/version-1/a.csv"], "span-1/version-1 holds version-1, which is not a file"),
    ],
)
def test_says_what_does_not_belong_beside_versions(write, tmp_path, files, message):
    for name in files:
        write(f"span-1/{name}", "")
    with pytest.raises(DataError, match=message):
        select(str(tmp_path), range_config("all"))


def test_says_that_there_is_no_folder(tmp_path):
    with pytest.raises(DataError, match=r"no folder .*/nowhere"):
        select(str(tmp_path / "nowhere"), range_config("all"))


@pytest.fixture(params=["content", "stat"])
def kind(request, monkeypatch):
    if request.param == "stat":
        monkeypatch.setattr(spans, "CONTENT_LIMIT", 0)
    return request.param


def test_fingerprint_follows_the_files(base, write, kind, tmp_path):
    folder = base("span-1", "span-2")

    def now(wanted="all"):
        return fingerprint(select(folder, range_config(wanted)))

    prints = [now(), now("newest")]
    write("in/span-2/more.csv", "count\n")
    prints.append(now())
    write("in/span-2/more.csv", "count\n12\n")
    prints.append(now())
    (tmp_path / "in/span-2/more.csv").rename(tmp_path / "in/span-2/other.csv")
    prints.append(now())
    write("in/span-2/.hidden", "")
    assert now() == prints[-1]
    assert len(set(prints)) == len(prints)
    assert all(text.startswith(kind) for text in prints)


def test_fingerprint_tells_the_same_file_in_another_span_or_version(write, tmp_path):
    prints = set()
    for number, folder in enumerate(
        ["span-1", "span-2", "span-1/version-1", "span-1/version-2", "span-2/version-1"]
    ):
        write(f"{number}/{folder}/rows.csv", "count\n1\n")
        prints.add(fingerprint(select(str(tmp_path / str(number)), range_config("all"))))
    assert len(prints) == 5


def test_touched_or_copied_files_are_the_same(base, tmp_path):
    folder = base("span-1", "span-2")
    before = fingerprint(select(folder, range_config("all")))
    os.utime(f"{folder}/span-1/rows.csv", (1, 1))
    assert fingerprint(select(folder, range_config("all"))) == before
    shutil.copytree(folder, tmp_path / "elsewhere")
    assert fingerprint(select(str(tmp_path / "elsewhere"), range_config("all"))) == before
