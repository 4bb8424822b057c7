"""The outputs folder: runs, the copy of the schema, the lock."""

import os
import subprocess
import sys

import pytest

from tests.sample_project import CONFIGS
from tfxkit.config.selection import ConfigSelection
from tfxkit.runs.outputs import BusyError, Outputs


@pytest.fixture
def outputs(tmp_path):
    return Outputs(tmp_path / "out" / "taxi")


def test_a_command_carries_the_options_that_found_the_outputs(tmp_path):
    selection = ConfigSelection(("fast",), ("train.epochs=2", "outputs=a b"), CONFIGS)
    outputs = Outputs.of(selection)
    assert outputs.root.parent.name == "a b"
    assert outputs.command("predict", "FILE.csv") == (
        "python -m pipeline predict FILE.csv --config fast --set 'outputs=a b' "
        f"--config-dir {CONFIGS}"
    )
    assert "--set train.epochs=2" in outputs.command("run")
    assert Outputs(tmp_path).command("serve") == "python -m pipeline serve"


def test_each_run_has_its_folder_and_latest_is_the_newest(outputs):
    runs = [outputs.new_run_dir() for _ in range(3)]
    assert len(set(runs)) == 3
    assert (outputs.runs / "latest").resolve() == runs[-1]


def test_a_discarded_run_leaves_the_one_before_as_latest(outputs):
    assert outputs.latest() is None
    first = outputs.new_run_dir()
    before, second = outputs.latest(), outputs.new_run_dir()
    outputs.discard_run_dir(second, before)
    assert (outputs.runs / "latest").resolve() == first
    outputs.discard_run_dir(first, None)
    assert os.listdir(outputs.runs) == []


def test_the_one_before_is_told_by_no_name_since_clocks_are_set_back(outputs):
    (outputs.runs / "29991231-235959").mkdir(parents=True)  # before the clock was set back
    newest = outputs.new_run_dir()
    before = outputs.latest()
    outputs.discard_run_dir(outputs.new_run_dir(), before)
    assert outputs.latest() == newest.name


def test_the_copy_of_the_schema_moves_with_its_content(outputs, tmp_path):
    schema = tmp_path / "schema.pbtxt"
    schema.write_text("feature { name: 'a' }")
    before = outputs.schema_copy(schema)
    assert outputs.schema_copy(schema) == before
    schema.write_text("feature { name: 'b' }")
    after = outputs.schema_copy(schema)
    assert after != before
    assert (before.read_text(), after.read_text()) == ("feature { name: 'a' }", schema.read_text())


def test_a_second_process_is_told_who_holds_the_pipeline(outputs):
    take = (
        "import sys; from pathlib import Path; from tfxkit.runs.outputs import Outputs, BusyError\n"
        "try:\n  with Outputs(Path(sys.argv[1])).lock(): print('free')\n"
        "except BusyError as error: print(error)"
    )

    def other_process() -> str:
        command = [sys.executable, "-c", take, str(outputs.root)]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    with outputs.lock():
        assert f"process {os.getpid()}" in other_process()
        with pytest.raises(BusyError), outputs.lock():
            pass
    assert other_process() == "free\n"
