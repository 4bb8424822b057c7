"""Beam's temporary files in an artifact are removed; its output stays."""

from __future__ import annotations

import os

import pytest

from tfxkit.storage.artifacts import remove_beam_folders
from tfxkit.storage.filesystems import fileio


@pytest.mark.parametrize("place", ["folder", "store"])
def test_only_its_temporary_folders_go(place, tmp_path, request):
    uri = str(tmp_path) if place == "folder" else f"{request.getfixturevalue('s3')}/artifact"
    kept = ["Split-train/data-00000-of-00001.gz", "Split-eval/data-00000-of-00001.gz"]
    left = ["Split-train/beam-temp-data-9e0e1ae4/x.data.gz", "beam-temp-a/b/c"]
    for name in [*kept, *left]:
        path = os.path.join(uri, name)
        fileio.makedirs(os.path.dirname(path))
        with fileio.open(path, "w") as file:
            file.write(name)
    if place == "folder":
        (tmp_path / "Split-eval" / "beam-temp-data-9d84846e").mkdir()

    remove_beam_folders(uri)

    found = [os.path.join(folder, name) for folder, _, names in fileio.walk(uri) for name in names]
    assert sorted(found) == sorted(os.path.join(uri, name) for name in kept)
    assert not fileio.exists(os.path.join(uri, "Split-eval", "beam-temp-data-9d84846e"))


def test_an_artifact_that_is_not_there(tmp_path):
    remove_beam_folders(str(tmp_path / "none"))
