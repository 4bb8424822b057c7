"""A package as a file: it reads back to what was written, and nothing else is taken for one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kubeflow import whole_package
from tests.kubeflow.broken_packages import CONTAINER
from tests.kubeflow.emulator import package as emulator
from tfxkit.errors import UsageError
from tfxkit.kubeflow.package import Package, read_package, to_yaml, write_package

SPEC = {"pipelineInfo": {"name": "tiny"}, "root": {"dag": {"tasks": {}}}, "text": "a\n b: 'ü' \n"}
PLATFORM = {"platforms": {"kubernetes": {}}}


@pytest.mark.parametrize("package", [Package(SPEC), Package(SPEC, PLATFORM)])
def test_it_reads_back_to_the_same(package, tmp_path):
    file = tmp_path / "new" / "folder" / "package.yaml"
    write_package(package, file)
    assert read_package(file) == package
    assert package.name == "tiny"
    assert list(file.parent.iterdir()) == [file]


def test_the_order_of_keys_does_not_matter_and_nothing_is_written_as_a_reference():
    shared = {"x": [1], "y": [2]}
    one = Package({"b": shared, "a": shared})
    other = Package({"a": dict(reversed(shared.items())), "b": {"x": [1], "y": [2]}})
    assert to_yaml(one) == to_yaml(other)
    assert "&" not in to_yaml(one)


@pytest.mark.parametrize("text", ["1e-3", "1E5", "1.5e3", "-.5e1", "0o17", "yes", "1", "x", ""])
def test_the_backend_reads_texts_as_texts(text):
    change = {f"{CONTAINER}/env": [{"name": "A", "value": text}]}
    spec = emulator.read(to_yaml(whole_package.package(change))).spec
    container = spec.deployment_spec["executors"]["Trainer_executor"]["container"]
    assert container["env"][0]["value"] == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "- a\n- b\n",
        "just words",
        "kind: Pod\n",
        "pipelineInfo: taxi\n---\n- a\n",
        "pipelineInfo: {name: a}\n---\na: 1\n---\nb: 1\n",
    ],
)
def test_what_is_no_package_is_told_how_to_get_one(text, tmp_path):
    file = tmp_path / "file.yaml"
    file.write_text(text)
    with pytest.raises(UsageError, match="is not a compiled pipeline"):
        read_package(file)


def test_broken_yaml_and_a_missing_file_are_told(tmp_path):
    file = tmp_path / "file.yaml"
    with pytest.raises(UsageError, match="Cannot read"):
        read_package(file)
    file.write_text("a: [1\n")
    with pytest.raises(UsageError, match="is not valid YAML"):
        read_package(file)


def test_a_place_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="Cannot write"):
        write_package(Package(SPEC), tmp_path / "file" / "package.yaml")
    for folder in (tmp_path, Path()):
        with pytest.raises(UsageError, match="it is a folder"):
            write_package(Package(SPEC), folder)
