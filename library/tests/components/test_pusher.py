"""A version is complete or absent, whatever happens to the pusher, and a model is pushed once."""

import contextlib
import errno
import fcntl
import multiprocessing
import os
import resource
import shutil
import signal
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from tfx.dsl.components.base import base_executor
from tfx.dsl.io import filesystem_registry
from tfx.dsl.io.plugins.local import LocalFilesystem
from tfx.types import standard_artifacts

from tfxkit.components.pusher import publishing
from tfxkit.components.pusher.component import VersionPusherExecutor
from tfxkit.errors import ModelError
from tfxkit.storage import served_model
from tfxkit.storage.filesystems import fileio
from tfxkit.values.reading import ColumnReading, Reading

STORE = "fakestore://"


class FakeStore(LocalFilesystem):
    """An object store as far as the Pusher sees one: another scheme, and nothing to rename."""

    SUPPORTED_SCHEMES = [STORE]
    rename = None


def _at_local_path(name: str) -> Any:
    def call(path: str, *arguments: Any, **options: Any) -> Any:
        return getattr(LocalFilesystem, name)(path.removeprefix(STORE), *arguments, **options)

    return staticmethod(call)


for _name in ("open", "exists", "listdir", "makedirs", "remove", "rmtree"):
    setattr(FakeStore, _name, _at_local_path(_name))
filesystem_registry.DEFAULT_FILESYSTEM_REGISTRY.register(FakeStore, priority=5)


@pytest.fixture
def push(
    tmp_path: Path,
    write_model: Callable[..., Path],
    write_statistics: Callable[[Path], Path],
) -> Callable[..., standard_artifacts.PushedModel]:
    """Runs the executor on a model of the given fingerprint."""

    def run(
        serving_dir: Path | str,
        fingerprint: str = "f1",
        *,
        blessed: int = 1,
        infra_blessed: int = 1,
        reading: str | None = None,
    ) -> standard_artifacts.PushedModel:
        inputs: dict[str, list[Any]] = {
            "model": [standard_artifacts.Model()],
            "statistics": [standard_artifacts.ExampleStatistics()],
            "model_blessing": [standard_artifacts.ModelBlessing()],
            "infra_blessing": [standard_artifacts.InfraBlessing()],
        }
        inputs["model_blessing"][0].set_int_custom_property("blessed", blessed)
        inputs["infra_blessing"][0].set_int_custom_property("blessed", infra_blessed)
        inputs["model"][0].uri = str(tmp_path / "exported" / fingerprint)
        inputs["statistics"][0].uri = str(tmp_path / "statistics")
        if reading is not None:
            inputs["examples"] = [standard_artifacts.Examples()]
            inputs["examples"][0].uri = str(tmp_path / "examples")
            (tmp_path / "examples").mkdir(exist_ok=True)
            (tmp_path / "examples" / "reading.json").write_text(reading)
        if not (tmp_path / "statistics").exists():
            write_statistics(tmp_path / "statistics")
        if not (tmp_path / "exported" / fingerprint).exists():
            model_dir = tmp_path / "exported" / fingerprint / "Format-Serving"
            write_model(model_dir, fingerprint=fingerprint)
        pushed = standard_artifacts.PushedModel()
        pushed.uri = str(tmp_path / "pushed_model" / uuid.uuid4().hex)
        VersionPusherExecutor(base_executor.BaseExecutor.Context()).Do(
            inputs, {"pushed_model": [pushed]}, {"serving_dir": str(serving_dir)}
        )
        return pushed

    return run


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def visible(serving: Path) -> list[Path]:
    """Versions in TF Serving's eyes: every folder whose name is a number."""
    if not serving.exists():
        return []
    return sorted((path for path in serving.iterdir() if path.name.isdigit()), key=lambda p: p.name)


def hidden_folders(serving: Path) -> list[Path]:
    return [path for path in serving.iterdir() if path.name.startswith(".") and path.is_dir()]


def test_a_version_is_the_model_with_the_statistics_of_its_data(
    tmp_path: Path, push: Callable[..., Any]
) -> None:
    before = int(time.time())
    pushed = push(tmp_path / "serving")

    [version] = visible(tmp_path / "serving")
    assert before <= int(version.name) <= time.time()
    expected = contents(tmp_path / "exported/f1/Format-Serving") | {
        f"assets.extra/statistics/{name}": data
        for name, data in contents(tmp_path / "statistics").items()
    }
    assert contents(version) == expected
    assert served_model.complete_versions(str(tmp_path / "serving")) == [int(version.name)]
    assert pushed.get_int_custom_property("pushed") == 1
    assert pushed.get_int_custom_property("adopted") == 0
    assert pushed.get_string_custom_property("pushed_destination") == str(version)
    assert pushed.get_string_custom_property("pushed_version") == version.name
    assert contents(Path(pushed.uri)) == contents(tmp_path / "exported/f1/Format-Serving")
    assert hidden_folders(tmp_path / "serving") == []


@pytest.mark.parametrize("verdict", [{"blessed": 0}, {"infra_blessed": 0}])
def test_a_model_that_is_not_blessed_is_not_pushed(
    tmp_path: Path, push: Callable[..., Any], verdict: dict[str, int]
) -> None:
    pushed = push(tmp_path / "serving", **verdict)
    assert pushed.get_int_custom_property("pushed") == 0
    assert visible(tmp_path / "serving") == []


def test_the_model_being_served_is_adopted_and_another_one_is_pushed(
    tmp_path: Path, push: Callable[..., Any]
) -> None:
    serving = tmp_path / "serving"
    first = push(serving, "a")
    again = push(serving, "a")
    assert len(visible(serving)) == 1
    for name in ("pushed_destination", "pushed_version"):
        assert again.get_string_custom_property(name) == first.get_string_custom_property(name)
    assert again.get_int_custom_property("pushed") == 1
    assert again.get_int_custom_property("adopted") == 1

    other = push(serving, "b")
    back = push(serving, "a")  # not the newest any more, so it has to be pushed to be served
    assert not other.get_int_custom_property("adopted")
    assert not back.get_int_custom_property("adopted")
    assert len(visible(serving)) == 3

    shutil.rmtree(back.get_string_custom_property("pushed_destination"))
    assert not push(serving, "a").get_int_custom_property("adopted")


def test_a_version_carries_the_reading_of_its_data_and_another_reading_is_another_version(
    tmp_path: Path, push: Callable[..., Any]
) -> None:
    serving = tmp_path / "serving"
    push(serving)
    first, second = (
        Reading(columns={"name": ColumnReading(type="BYTES")}, missing=words)
        for words in (("NA",), ("NA", "?"))
    )
    pushed = [
        push(serving, reading=reading.model_dump_json(indent=1))
        for reading in (first, first, second)
    ]
    assert [one.get_int_custom_property("adopted") for one in pushed] == [0, 1, 0]
    of_before, *readings = [served_model.reading(str(version)) for version in visible(serving)]
    assert readings == [first, second]
    assert of_before.rules == 1


def test_the_new_version_is_the_greatest_although_the_clock_was_set_back(
    tmp_path: Path, push: Callable[..., Any]
) -> None:
    future = int(time.time()) + 10**6
    (tmp_path / "serving" / str(future)).mkdir(parents=True)  # not complete, but TF Serving sees it
    pushed = push(tmp_path / "serving")
    assert pushed.get_string_custom_property("pushed_version") == str(future + 1)


@pytest.mark.parametrize("part", ["saved_model.pb", "assets.extra/fingerprint"])
def test_a_model_without_its_past_is_refused(
    tmp_path: Path, push: Callable[..., Any], part: str
) -> None:
    push(tmp_path / "elsewhere")
    (tmp_path / "exported/f1/Format-Serving" / part).unlink()
    with pytest.raises(ModelError, match=f"lacks {part}"):
        push(tmp_path / "serving")
    assert visible(tmp_path / "serving") == []


@contextlib.contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Fails writes beyond a size, as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("scheme", ["", STORE])
def test_a_full_disk_is_reported_and_leaves_nothing(
    tmp_path: Path, push: Callable[..., Any], scheme: str
) -> None:
    serving = tmp_path / "serving"
    first = push(f"{scheme}{serving}", "a")
    push(tmp_path / "elsewhere", "b")
    with largest_file(1_000_000), pytest.raises(ModelError, match=r"serving: .*too large"):
        push(f"{scheme}{serving}", "b")
    assert [path.name for path in visible(serving)] == [
        first.get_string_custom_property("pushed_version")
    ]
    assert hidden_folders(serving) == []


def test_a_folder_that_cannot_be_written_to_is_reported(
    tmp_path: Path, push: Callable[..., Any]
) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(ModelError, match="make the folder writable"):
        push(tmp_path / "file" / "serving")


def in_child(work: Callable[[], None]) -> multiprocessing.process.BaseProcess:
    child = multiprocessing.get_context("fork").Process(target=work)
    child.start()
    return child


def killed_at(call: int, work: Callable[[], Any]) -> bool:
    """Does the work in a process that is killed before its n-th call to the file system."""

    def run() -> None:
        calls = iter(range(1, sys.maxsize))

        def count(event: str, _arguments: Any) -> None:
            if event in FILE_SYSTEM_CALLS and next(calls) == call:
                os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(count)
        work()

    child = in_child(run)
    child.join()
    assert child.exitcode in (0, -signal.SIGKILL)
    return child.exitcode != 0


FILE_SYSTEM_CALLS = {"open", "os.mkdir", "os.rename", "os.remove", "os.listdir", "fcntl.flock"}


@pytest.mark.parametrize("scheme", ["", STORE])
def test_a_pusher_that_is_killed_at_any_moment_leaves_no_half_version(
    tmp_path: Path, push: Callable[..., Any], scheme: str
) -> None:
    serving = tmp_path / "serving"
    push(tmp_path / "elsewhere", "b")  # writes the model
    reference = contents(visible(tmp_path / "elsewhere")[0])
    call = 0
    while True:
        shutil.rmtree(serving, ignore_errors=True)
        push(f"{scheme}{serving}", "a")
        call += 1
        killed = killed_at(call, lambda: push(f"{scheme}{serving}", "b"))

        for version in visible(serving)[1:]:  # the first is model a
            if scheme:  # the folder appears first, what makes a model server load it last
                assert version.is_dir()
                if not (version / "saved_model.pb").exists():
                    continue
            found = contents(version)
            assert {name: found.get(name) for name in reference} == reference
        newest = served_model.newest_version(f"{scheme}{serving}")
        assert newest is not None
        push(f"{scheme}{serving}", "b")
        assert (
            served_model.fingerprint(str(served_model.newest_version(f"{scheme}{serving}"))) == "b"
        )
        complete = served_model.complete_versions(f"{scheme}{serving}")
        assert len(complete) == 2, "the retry pushed the same model again"
        assert hidden_folders(serving) == []
        if not killed:
            break
    assert call > 20


def test_pushers_of_the_same_model_at_once_push_it_once(
    tmp_path: Path, push: Callable[..., Any]
) -> None:
    push(tmp_path / "elsewhere")  # writes the model
    children = [in_child(lambda: push(tmp_path / "serving")) for _ in range(6)]
    for child in children:
        child.join()
    assert [child.exitcode for child in children] == [0] * 6
    assert len(visible(tmp_path / "serving")) == 1


def no_locks(*_arguments: Any) -> None:
    raise OSError(errno.ENOLCK, "No locks available")


@pytest.mark.parametrize("scheme", ["", STORE])
def test_pushers_of_different_models_at_once_damage_no_version(
    tmp_path: Path,
    push: Callable[..., Any],
    scheme: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # On a file system without locks; and all of them want the same number.
    monkeypatch.setattr(fcntl, "flock", no_locks)
    names = [f"model-{number}" for number in range(6)]
    expected = {}
    for name in names:
        push(tmp_path / name, name)
        expected[name] = contents(visible(tmp_path / name)[0])

    monkeypatch.setattr(publishing, "next_version", lambda serving_dir: 7)
    serving = tmp_path / "serving"
    children = [in_child(lambda name=name: push(f"{scheme}{serving}", name)) for name in names]
    for child in children:
        child.join()

    assert [child.exitcode for child in children] == [0] * 6
    versions = visible(serving)
    found = [contents(version) for version in versions]
    assert sorted(one["assets.extra/fingerprint"].decode().strip() for one in found) == names
    for one in found:
        assert one == expected[one["assets.extra/fingerprint"].decode().strip()]


# On S3.


def stored(folder: str) -> dict[str, bytes]:
    found = {}
    for parent, _, names in fileio.walk(folder):
        for name in names:
            with fileio.open(f"{parent}/{name}", "rb") as file:
                found[f"{parent}/{name}".removeprefix(f"{folder}/")] = file.read()
    return found


def test_on_s3_a_version_is_complete_and_pushed_once(
    s3: str, tmp_path: Path, push: Callable[..., Any]
) -> None:
    serving = f"{s3}/models/taxi"
    pushed = push(serving, "a")
    push(tmp_path / "here", "a")

    version = pushed.get_string_custom_property("pushed_destination")
    assert version == f"{serving}/{pushed.get_string_custom_property('pushed_version')}"
    assert stored(version) == contents(visible(tmp_path / "here")[0])
    assert served_model.newest_version(serving) == version
    assert push(serving, "a").get_int_custom_property("adopted") == 1
    assert push(serving, "b").get_int_custom_property("adopted") == 0
    assert len(fileio.listdir(serving)) == 2


def test_on_s3_what_a_dead_push_left_is_no_version_and_no_hindrance(
    s3: str, push: Callable[..., Any]
) -> None:
    first = push(s3, "a").get_string_custom_property("pushed_version")
    for name in ("claim-0", "variables/variables.index", "assets.extra/fingerprint"):
        with fileio.open(f"{s3}/{int(first) + 10}/{name}", "w") as file:
            file.write("b")
    assert served_model.newest_version(s3) == f"{s3}/{first}"
    assert push(s3, "b").get_string_custom_property("pushed_version") == str(int(first) + 11)


def test_on_s3_a_push_that_fails_leaves_nothing(
    s3: str, push: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = push(s3, "a").get_string_custom_property("pushed_version")
    open_file = fileio.open

    def fail(path: str, mode: str = "r") -> Any:
        if mode == "wb" and path.startswith(s3) and path.endswith(publishing.LAST_FILE):
            raise OSError("quota exceeded")
        return open_file(path, mode)

    monkeypatch.setattr(fileio, "open", fail)
    with pytest.raises(ModelError, match=rf"cannot be pushed to {s3}: quota exceeded"):
        push(s3, "b")
    assert fileio.listdir(s3) == [first]
    with pytest.raises(ModelError, match=r"cannot be pushed to s3://no-bucket/x: .*no bucket"):
        push("s3://no-bucket/x", "b")


def test_on_s3_pushers_at_once_damage_no_version(
    s3: str, push: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publishing, "next_version", lambda serving_dir: 7)
    names = [f"model-{number}" for number in range(4)]
    for name in names:
        push(f"{s3}/{name}", name)
    with ThreadPoolExecutor(len(names)) as threads:
        pushed = list(threads.map(lambda name: push(f"{s3}/all", name), names))
    versions = [one.get_string_custom_property("pushed_destination") for one in pushed]
    assert len(set(versions)) == len(names)
    for name, version in zip(names, versions, strict=True):
        assert stored(version) == stored(f"{s3}/{name}/7")
