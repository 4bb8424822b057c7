"""The command line: quick help, usage errors in one screen, subcommands that need no run."""

import json
import os
import signal
import subprocess
import sys
import tomllib

import pytest

from tests.light_commands import exit_codes_and_heavy_imports
from tests.sample_project import ROOT, SAMPLE
from tfxkit import __version__, cli
from tfxkit.errors import UsageError


@pytest.fixture(autouse=True)
def in_a_project(monkeypatch):
    """Whose `configs` are taken where no others are named."""
    monkeypatch.chdir(SAMPLE)


def pipeline(*args: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "pipeline", *args]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_help_imports_nothing_heavy():
    code = (
        "import sys, runpy; sys.argv = ['pipeline', '--help']\n"
        "try: runpy.run_module('pipeline', run_name='__main__')\n"
        "except SystemExit: pass\n"
        "print(sorted({name.split('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    names = ("run", "resume", "runs", "show", "predict", "clean", "config", "schema", "doctor")
    assert all(f"\n    {name} " in result.stdout for name in names)
    loaded = set(json.loads(result.stderr.strip().splitlines()[-1].replace("'", '"')))
    assert not loaded & {"tensorflow", "tfx", "apache_beam", "numpy", "pydantic", "yaml", "rich"}


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["run", "--config", "nowhere"], "No configuration 'nowhere'"),
        (["run", "--set", "train.epoch=1"], "did you mean epochs?"),
        (["run", "--config-dir", "no/such/folder"], "There is no folder no/such/folder"),
        (["show", "20990101", "--set", "outputs=/nonexistent"], "There are no runs"),
        (["fly"], "There is no subcommand 'fly'; there are: clean, "),
        (["rnu"], "There is no subcommand 'rnu'; did you mean run?"),
        ([], "required"),
    ],
)
def test_wrong_usage_exits_with_2_and_one_screen(args, told):
    result = pipeline(*args)
    assert result.returncode == 2
    assert told in result.stderr
    assert "Traceback" not in result.stderr
    assert len(result.stderr.splitlines()) < 25


REFUSED_BY_RUN = [
    ("train.epoch=1", "did you mean epochs?"),
    ("train.epochs=many", "train.epochs: "),
    ("data.path=no/such", "There is no folder"),
    ("dag=pipeline.no_such", "dag: there is no module pipeline.no_such with the steps"),
    ("data.reader=components.no_such", "data.reader: there is no module"),
    ("dataset.columns.fair={role: numeric}", "did you mean fare?"),
    ("dataset.evaluation.thresholds.acc.min=1", "no metric 'acc' for the task binary"),
    ("dataset.evaluation.metrics=[recal]", "no metric 'recal' for the task binary"),
    ("dataset.evaluation.thresholds.calibration.max_worsening=1", "calibration is best near 1"),
]
WITH_A_CONFIGURATION = (
    ["clean"],
    ["clean", "--keep", "1"],
    ["config", "show"],
    ["lineage"],
    ["predict", "rows.csv"],
    ["report"],
    ["resume"],
    ["rollback"],
    ["run"],
    ["runs"],
    ["schema", "diff"],
    ["serve"],
    ["show"],
)


def test_a_configuration_is_refused_before_tensorflow_is_imported():
    """Its import takes ten seconds."""
    commands = [["run", "--set", setting] for setting, _ in REFUSED_BY_RUN]
    commands += [[*command, "--set", "train.epoch=1"] for command in WITH_A_CONFIGURATION]
    codes, heavy, told = exit_codes_and_heavy_imports(commands, SAMPLE)
    assert codes == [2] * len(commands), told
    assert heavy == []
    for _, words in REFUSED_BY_RUN:
        assert words in told
    assert told.count("did you mean epochs?") == 1 + len(WITH_A_CONFIGURATION)


def test_version_names_the_project_and_the_library(capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(["--version"])
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert ended.value.code == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{project['name']} {project['version']}",
        f"tfxkit {__version__}",
    ]


def test_config_show_applies_settings(capsys):
    assert cli.main(["config", "show", "--set", "train.epochs=7"]) == 0
    assert "epochs: 7" in capsys.readouterr().out


def test_config_schema_describes_every_section(capsys):
    assert cli.main(["config", "schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert {"data", "beam", "model", "train", "dataset"} <= schema["properties"].keys()
    assert schema["additionalProperties"] is False


def test_runs_of_a_fresh_clone_says_how_to_start(tmp_path, capsys):
    assert cli.main(["runs", "--set", f"outputs={tmp_path}"]) == 0
    assert "python -m pipeline run" in capsys.readouterr().out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("then", [KeyboardInterrupt, KeyError, ImportError, UsageError])
def test_a_signal_ends_any_subcommand_with_one_line_whatever_is_raised_then(
    number, then, monkeypatch, capsys
):
    def half_import(runs):
        try:
            os.kill(os.getpid(), number)
        except KeyboardInterrupt:
            raise then("tfx.components") from None

    monkeypatch.setattr("tfxkit.runs.summary.history", half_import)
    handlers = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    assert cli.main(["runs"]) == 130
    assert capsys.readouterr() == ("", "Interrupted.\n")
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == handlers


def test_the_exit_code_of_an_interruption_is_a_number_wherever_it_came(tmp_path):
    (tmp_path / "interrupted.py").write_text("""
import runpy, sys
from tfxkit import cli

def interrupted():
    try:
        exec("raise KeyboardInterrupt")
    except KeyboardInterrupt:
        return 130

cli.main = interrupted
sys.argv = ["pipeline", "runs"]
runpy.run_module("pipeline", run_name="__main__")
""")
    path = os.pathsep.join([str(tmp_path), str(ROOT)])
    command = [sys.executable, "-m", "interrupted"]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, check=False)
    assert done.returncode == 130


def test_usage_names_the_command_that_was_given(tmp_path):
    script = tmp_path / "my-trips"
    script.write_text("from pipeline.__main__ import main\n\nmain()\n")
    for command, name in (
        ([script], "my-trips"),
        (["-m", "pipeline"], "python -m pipeline"),
    ):
        arguments = [sys.executable, *command, "--help"]
        result = subprocess.run(arguments, capture_output=True, text=True, check=True)
        assert result.stdout.startswith(f"usage: {name} ")
