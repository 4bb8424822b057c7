"""The version that is served while the folder changes."""

import shutil

import numpy as np
import pytest

from tfxkit.serving.model import ServingError
from tfxkit.serving.versions import Versions
from tfxkit.storage import served_model


@pytest.fixture
def folder(tmp_path, version_dir):
    """A folder of versions, and a function that adds one."""

    def put(number: int):
        return shutil.copytree(version_dir, tmp_path / "models" / str(number))

    put(1)
    return tmp_path / "models", put


@pytest.fixture
def versions(folder):
    lines = []
    versions = Versions("m", str(folder[0]), lines.append)
    versions.lines = lines
    look(versions)
    return versions


def look(versions):
    """Looks twice, as versions that change between two looks are left alone."""
    versions.look()
    versions.look()


def served(versions):
    return versions.current.version if versions.current else None


def states(versions):
    return {state.version: state.state for state in versions.states("m")}


def test_the_newest_version_is_served_and_an_older_one_after_its_removal(versions, folder):
    path, put = folder
    assert served(versions) == 1
    put(10)
    put(9)
    look(versions)
    assert served(versions) == 10 and states(versions) == {10: "AVAILABLE", 1: "END"}
    shutil.rmtree(path / "10")
    look(versions)
    assert served(versions) == 9 and states(versions)[10] == "END"
    shutil.rmtree(path / "9")
    shutil.rmtree(path / "1")
    look(versions)
    assert versions.current is None
    with pytest.raises(ServingError, match=r"Servable not found for request: Latest\(m\)"):
        versions.find("m")
    put(2)
    look(versions)
    assert served(versions) == 2
    assert versions.lines[-2:] == [
        f"No version is left in {path}: nothing is served.",
        "Version 2 is served.",
    ]


def test_a_loaded_version_answers_although_its_files_are_gone(versions, folder):
    before = versions.find("m")
    shutil.rmtree(folder[0] / "1")
    assert before.run("serving_default", {"examples": np.array([b""], object)})[
        "score"
    ].tolist() == [[0.0]]


def test_a_served_version_with_changing_files_is_not_left_for_an_older_one(versions, folder):
    path, put = folder
    put(2)
    look(versions)
    before = list(versions.lines)
    for number in range(2):
        (path / "2" / "saved_model.pb").touch()
        (path / "2" / f"copied-{number}").touch()
        look(versions)
    assert served(versions) == 2 and versions.lines == before
    (path / "2" / "saved_model.pb").touch()
    put(3)
    look(versions)
    assert served(versions) == 3


def test_a_half_copied_version_waits_until_it_is_complete(versions, folder):
    path, put = folder
    put(2)
    (path / "2" / served_model.FINGERPRINT).unlink()
    look(versions)
    assert served(versions) == 1 and 2 not in states(versions)
    # All names are there, but the last file still grows.
    (path / "2" / served_model.FINGERPRINT).write_text("2.0")
    data = path / "2" / "variables" / "variables.data-00000-of-00001"
    whole = data.read_bytes()
    for end in (len(whole) // 3, len(whole) // 2, len(whole)):
        data.write_bytes(whole[:end])
        versions.look()
        assert served(versions) == 1
    versions.look()
    assert served(versions) == 2


def test_a_version_that_does_not_load_is_named_once_and_tried_again_when_it_changes(
    versions, folder
):
    path, put = folder
    good = (put(3) / "saved_model.pb").read_bytes()
    (path / "3" / "saved_model.pb").write_bytes(good[:1000])
    put(2)
    look(versions)
    look(versions)
    assert served(versions) == 2
    assert [line for line in versions.lines if "Version 3 does not load" in line] == [
        versions.lines[1]
    ]
    [three, *_] = versions.states("m")
    assert (three.version, three.state) == (3, "END") and three.error
    (path / "3" / "saved_model.pb").write_bytes(good)
    look(versions)
    assert served(versions) == 3 and not versions.states("m", 3)[0].error


def test_leftovers_and_locks_are_no_versions(versions, folder):
    path, put = folder
    put(5).rename(path / ".6.0123456789abcdef0123456789abcdef")
    (path / ".push.lock").touch()
    (path / "notes").mkdir()
    look(versions)
    assert served(versions) == 1


def test_unknown_models_and_versions_are_not_found(versions):
    assert versions.find("m").version == versions.find("m", 1).version == 1
    for arguments, servable in [
        (("other",), r"Latest\(other\)"),
        (("m", 2), r"Specific\(m, 2\)"),
    ]:
        with pytest.raises(ServingError, match=servable) as error:
            versions.find(*arguments)
        assert error.value.http_status == 404
    with pytest.raises(ServingError, match="label: stable"):
        versions.find("m", label="stable")
    with pytest.raises(ServingError, match="Could not find any versions of model other"):
        versions.states("other")
    with pytest.raises(ServingError, match="Could not find version 4"):
        versions.states("m", 4)
