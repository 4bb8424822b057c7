"""Files on S3 behave as files here do, and what is wrong there is said in one sentence."""

from __future__ import annotations

import gzip
import io
import os
from collections import Counter

import pyarrow as pa
import pyarrow.parquet
import pytest
from botocore.exceptions import ResponseStreamingError
from moto.core import set_initial_no_auth_action_count

from tests.sample_project import LIBRARY, ROOT
from tfxkit.errors import StorageError, user_error
from tfxkit.storage.filesystems import client, fileio

FILES = {
    "top.txt": b"top",
    "empty.txt": b"",
    "span-1/rows.csv": b"a,b\r\n1,2\r\n",
    "span-1/rows.csv.gz": gzip.compress(b"a,b\n1,2\n"),
    "span-2/part/0.parquet": b"P" * 100,
    "span-20/ünïcode #1.csv": "ß".encode(),
}


def fill(folder: str) -> str:
    for name, content in FILES.items():
        path = os.path.join(folder, name)
        fileio.makedirs(os.path.dirname(path))
        with fileio.open(path, "wb") as file:
            file.write(content)
    return folder


@pytest.fixture(params=["here", "on S3"])
def folder(request, tmp_path) -> str:
    if request.param == "here":
        return fill(str(tmp_path / "folder"))
    return fill(request.getfixturevalue("s3") + "/some/folder")


def relative(folder: str, paths) -> list[str]:
    return sorted(os.path.relpath(os.fsdecode(path), folder) for path in paths)


# The same answers from a local folder, which TFX's own file system gives, and from S3.


def test_what_was_written_is_read(folder):
    for name, content in FILES.items():
        with fileio.open(f"{folder}/{name}", "rb") as file:
            assert file.read() == content  # nothing is unpacked on the way
        assert fileio.stat(f"{folder}/{name}").length == len(content)
    with fileio.open(f"{folder}/span-20/ünïcode #1.csv") as file:
        assert file.read() == "ß"
    with fileio.open(f"{folder}/text", "w") as file:
        file.write("é\r\n")
        file.write("2\n3")
    with fileio.open(f"{folder}/text", "r") as file:
        assert file.read() == "é\r\n2\n3"


def test_existence(folder):
    for name in FILES:
        assert fileio.exists(f"{folder}/{name}") and not fileio.isdir(f"{folder}/{name}")
    for name in ("", "/span-2", "/span-2/", "/span-2/part"):
        assert fileio.exists(folder + name) and fileio.isdir(folder + name)
    for name in ("/span", "/span-3", "/top", "/top.txt2"):
        assert not fileio.exists(folder + name) and not fileio.isdir(folder + name)


def test_listing(folder):
    assert sorted(name.rstrip("/") for name in fileio.listdir(folder)) == [
        "empty.txt", "span-1", "span-2", "span-20", "top.txt"
    ]  # fmt: skip
    assert sorted(fileio.listdir(f"{folder}/span-1/")) == ["rows.csv", "rows.csv.gz"]
    assert relative(folder, fileio.glob(f"{folder}/span-*")) == ["span-1", "span-2", "span-20"]
    assert relative(folder, fileio.glob(f"{folder}/span-?/*")) == [
        "span-1/rows.csv", "span-1/rows.csv.gz", "span-2/part"
    ]  # fmt: skip
    assert fileio.glob(f"{folder}/nothing/*") == []
    with pytest.raises(fileio.NotFoundError):
        fileio.listdir(f"{folder}/nothing")


@pytest.mark.parametrize("topdown", [True, False])
def test_walking(folder, topdown):
    walked = [
        (os.path.relpath(parent, folder), sorted(folders), sorted(files))
        for parent, folders, files in fileio.walk(folder, topdown=topdown)
    ]
    assert {one[0]: one[1:] for one in walked} == {
        ".": (["span-1", "span-2", "span-20"], ["empty.txt", "top.txt"]),
        "span-1": ([], ["rows.csv", "rows.csv.gz"]),
        "span-2": (["part"], []),
        "span-2/part": ([], ["0.parquet"]),
        "span-20": ([], ["ünïcode #1.csv"]),
    }
    order = [one[0] for one in walked]
    assert (order.index("span-2") < order.index("span-2/part")) == topdown
    assert order.index(".") == (0 if topdown else 4)


def test_copying_and_renaming(folder):
    fileio.copy(f"{folder}/top.txt", f"{folder}/copy.txt")
    with pytest.raises(Exception, match=r"copy\.txt|exists"):
        fileio.copy(f"{folder}/span-1/rows.csv", f"{folder}/copy.txt")
    fileio.rename(f"{folder}/span-1/rows.csv", f"{folder}/copy.txt", overwrite=True)
    assert not fileio.exists(f"{folder}/span-1/rows.csv")
    with fileio.open(f"{folder}/copy.txt", "rb") as file:
        assert file.read() == FILES["span-1/rows.csv"]


def test_removing(folder):
    fileio.remove(f"{folder}/top.txt")
    fileio.rmtree(f"{folder}/span-2")
    assert relative(folder, fileio.glob(f"{folder}/*")) == ["empty.txt", "span-1", "span-20"]
    with pytest.raises(fileio.NotFoundError):
        fileio.rmtree(f"{folder}/span-2")


def test_what_is_not_there(folder):
    with pytest.raises(Exception, match=r"missing\.txt"):
        fileio.open(f"{folder}/missing.txt", "rb").read()
    with pytest.raises(fileio.NotFoundError):
        fileio.stat(f"{folder}/missing.txt")


# Only on S3.


def test_a_folder_that_was_made_in_a_console_is_no_file(s3):
    for key in ("data/", "data/span-1/", "data/span-1/a.csv"):
        client().put_object(Bucket=s3.removeprefix("s3://"), Key=key, Body=b"")
    assert fileio.listdir(f"{s3}/data") == ["span-1"]
    assert fileio.listdir(f"{s3}/data/span-1") == ["a.csv"]
    assert list(fileio.walk(f"{s3}/data")) == [
        (f"{s3}/data", ["span-1"], []), (f"{s3}/data/span-1", [], ["a.csv"])
    ]  # fmt: skip
    fileio.rmtree(f"{s3}/data")
    assert fileio.listdir(s3) == []


def test_listings_go_on_over_pages(s3, monkeypatch):
    fill(f"{s3}/data")
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "2")
    assert sum(len(files) for _, _, files in fileio.walk(f"{s3}/data")) == len(FILES)
    assert len(fileio.listdir(f"{s3}/data")) == 5


def test_a_file_that_an_error_ends_is_not_there(s3):
    with pytest.raises(ZeroDivisionError), fileio.open(f"{s3}/half", "w") as file:
        file.write("some")
        file.write(str(1 / 0))
    assert not fileio.exists(f"{s3}/half")


def test_nothing_is_appended(s3):
    with pytest.raises(ValueError, match="cannot be opened with mode 'a'"):
        fileio.open(f"{s3}/file", "a")


@pytest.fixture
def requests(s3) -> Counter[str]:
    """Number of requests by operation of S3."""
    counts: Counter[str] = Counter()

    def count(event_name: str, **_: object) -> None:
        counts[event_name.rpartition(".")[2]] += 1

    client().meta.events.register("before-send.s3.*", count)
    return counts


def test_a_large_file_is_read_once(s3, requests):
    content = os.urandom(20 << 20)
    with fileio.open(f"{s3}/large", "wb") as file:
        file.write(content)
    with fileio.open(f"{s3}/large", "rb") as file:
        read = b"".join(iter(lambda: file.read(1 << 16), b""))
    assert read == content
    assert requests["GetObject"] == 1
    assert requests["HeadObject"] == 0
    assert requests["UploadPart"] > 1


def test_parquet_is_read_from_its_end_without_reading_all(s3, requests):
    buffer = io.BytesIO()
    wide = {f"column{i}": list(range(i, 50_000 + i)) for i in range(20)}
    pyarrow.parquet.write_table(pa.table(wide), buffer, compression="none")
    with fileio.open(f"{s3}/wide.parquet", "wb") as file:
        file.write(buffer.getvalue())
    with fileio.open(f"{s3}/wide.parquet", "rb") as file:
        table = pyarrow.parquet.ParquetFile(file).read(["column7"])
    assert table.column("column7").to_pylist() == wide["column7"]
    assert requests["GetObject"] < 6


def test_reading_goes_on_where_the_connection_broke(s3, requests, monkeypatch):
    class Breaking:
        """A body of which three bytes come."""

        def __init__(self, body):
            self.body, self.left = body, 3

        def readinto(self, buffer):
            if not self.left:
                raise ResponseStreamingError(error="connection broken")
            data = self.body.read(min(self.left, len(buffer)))
            self.left -= len(data)
            buffer[: len(data)] = data
            return len(data)

        def close(self):
            self.body.close()

    with fileio.open(f"{s3}/file", "wb") as file:
        file.write(b"0123456789")
    get_object = client().get_object

    def get_breaking(**arguments):
        response = get_object(**arguments)
        return {**response, "Body": Breaking(response["Body"])}

    monkeypatch.setattr(client(), "get_object", get_breaking)
    with fileio.open(f"{s3}/file", "rb") as file:
        assert file.read() == b"0123456789"
    assert requests["GetObject"] == 4


def test_a_file_that_is_replaced_meanwhile_is_not_mixed_with_the_new_one(s3):
    with fileio.open(f"{s3}/file", "wb") as file:
        file.write(b"old" * (1 << 20))  # more than is read at once
    with fileio.open(f"{s3}/file", "rb") as reading:
        reading.read(3)
        with fileio.open(f"{s3}/file", "wb") as writing:
            writing.write(b"new" * (1 << 20))
        reading.seek(-3, io.SEEK_END)
        with pytest.raises(StorageError, match="file was replaced while it was being read"):
            reading.read()


def test_a_change_of_content_shows_in_stat(s3):
    tags = []
    for content in (b"a", b"a", b"b"):
        with fileio.open(f"{s3}/file", "wb") as file:
            file.write(content)
        tags.append(fileio.stat(f"{s3}/file").etag)
    assert tags[0] == tags[1] != tags[2]


# What is wrong.


WAYS = {
    "exists": fileio.exists,
    "listdir": fileio.listdir,
    "read": lambda path: fileio.open(path, "rb").read(),
    "write": lambda path: fileio.open(path, "wb").close(),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_bucket_that_is_not_there(s3_environment, way):
    with pytest.raises(StorageError, match=r"^s3://no-bucket/a/b: there is no bucket 'no-bucket'"):
        WAYS[way]("s3://no-bucket/a/b")


@pytest.mark.parametrize("way", WAYS)
def test_no_credentials(s3_environment, monkeypatch, way):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    with pytest.raises(StorageError, match=r"^s3://bucket/a/b: there are no credentials. Set AWS"):
        WAYS[way]("s3://bucket/a/b")


@pytest.mark.parametrize("way", WAYS)
def test_no_network(s3_environment, monkeypatch, way):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0)
    with pytest.raises(StorageError, match=r"^s3://bucket/a/b cannot be reached: .*127.0.0.1:9"):
        WAYS[way]("s3://bucket/a/b")


def test_no_access(s3):
    @set_initial_no_auth_action_count(0)  # from now on the server knows no user
    def read() -> None:
        fileio.open(f"{s3}/file", "rb").read()

    with pytest.raises(StorageError, match=r"/file: access is denied \(InvalidAccessKeyId\)"):
        read()


def test_such_an_error_is_one_that_a_user_can_mend():
    error = StorageError("s3://bucket: there is no bucket 'bucket'.")
    try:
        try:
            raise error
        except StorageError as caught:
            raise RuntimeError("in a worker") from caught
    except RuntimeError as wrapped:
        assert user_error(wrapped) is error
    assert user_error(OSError("a bug")) is None


def test_it_is_registered_wherever_components_read_or_write():
    """Beam starts workers that import the module of a function and nothing else."""
    library = LIBRARY / "src" / "tfxkit"
    for room in (ROOT / "components", ROOT / "models", library):
        for path in room.rglob("*.py"):
            if path != library / "storage" / "filesystems.py":
                assert "from tfx.dsl.io import fileio" not in path.read_text(), path
