"""The settings of Announce: off until configured; the secret by reference, checked beforehand."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from tests.dag_edits import OPTIONAL, without
from tests.sample_project import CONFIGS
from tfxkit import cli
from tfxkit.config import loading as configs
from tfxkit.config.loading import ConfigError
from tfxkit.errors import UsageError
from tfxkit.runs.outputs import Outputs

URL = "https://example.com/hooks/planted-9b1f"


def nodes(*settings: str, **places: str):
    from tfxkit.runs.dag_building import build_components
    from tfxkit.runs.places import Places

    config = configs.load(CONFIGS, ["local"], settings)
    schema = str(CONFIGS / "schema.pbtxt")
    found = build_components(config, Places("data", schema, "serving", "checkpoints", **places))
    return {node.id: node for node in found}


def compile_here(*settings: str) -> None:
    from tfxkit.runs.places import Places
    from tfxkit.runs.runner import compile_pipeline

    config = configs.load(CONFIGS, ["local"], settings)
    places = Places("data", str(CONFIGS / "schema.pbtxt"), "serving", "checkpoints")
    with tempfile.TemporaryDirectory() as folder:
        compile_pipeline(config, places, Outputs(Path(folder)))


def test_it_is_off_until_it_is_configured():
    assert "Announce" not in nodes()
    assert "Announce" not in nodes("steps.announce.format=slack")
    for setting in ("steps.announce.webhook=HOOK", "steps.announce.file=/tmp/log.jsonl"):
        assert "Announce" in nodes(setting)


def test_it_stays_where_other_steps_are_taken_out(monkeypatch):
    dag = without(monkeypatch, *OPTIONAL)
    announce = nodes("steps.announce.webhook=HOOK", f"dag={dag}")["Announce"]
    assert announce.inputs.keys() == {"pushed_model", "evaluation"}


def test_it_is_told_the_run_and_never_cached():
    from tfxkit.storage.step_cache import is_never_cached

    announce = nodes("steps.announce.webhook=HOOK", run_id="20261129-074817")["Announce"]
    assert announce.exec_properties["run_id"] == "20261129-074817"
    assert announce.exec_properties["pipeline"] == "sample-trips"
    assert is_never_cached(announce)


@pytest.mark.parametrize(
    "value",
    [URL, URL.upper(), URL.removeprefix("https:"), URL.removeprefix("https://"), f"${URL}", "a-b"],
)
def test_a_url_is_refused_and_not_shown(value):
    with pytest.raises(ConfigError) as error:
        configs.load(CONFIGS, (), [f"steps.announce.webhook={value!r}"])
    assert "  steps.announce.webhook: write where the secret is, and not" in str(error.value)
    assert "planted" not in str(error.value).lower()


@pytest.mark.parametrize(
    "value", ["HOOK", "_hook2", "/etc/announce/url", "~/.webhook", "gs://bucket/webhook", ""]
)
def test_a_reference_is_not(value):
    config = configs.load(CONFIGS, (), [f"steps.announce.webhook={value!r}"])
    assert config.steps.announce.webhook == value


def test_a_relative_file_is_refused():
    with pytest.raises(ConfigError, match=r"steps\.announce\.file: write an absolute path, or"):
        configs.load(CONFIGS, (), ["steps.announce.file=log.jsonl"])


def test_a_run_here_is_refused_without_the_variable(monkeypatch, tmp_path, capfd):
    monkeypatch.delenv("HOOK", raising=False)
    settings = ["--set", "steps.announce.webhook=HOOK", "--set", f"outputs={tmp_path / 'outputs'}"]
    assert cli.main(["run", "--config-dir", str(CONFIGS), *settings]) == 2
    assert (
        "Announce needs the secret that its parameter webhook refers to, but the environment "
        "variable HOOK is not set or empty. Set it: export HOOK=…"
    ) in capfd.readouterr().err
    assert not list((tmp_path / "outputs").glob("*/runs/*"))


def test_a_run_here_is_refused_without_the_file(tmp_path):
    file = tmp_path / "url"
    with pytest.raises(UsageError, match=f"Announce needs the secret .* there is no file {file}"):
        compile_here(f"steps.announce.webhook={file}")
    file.write_text(URL)
    compile_here(f"steps.announce.webhook={file}")


def test_a_run_here_goes_on_with_the_variable(monkeypatch):
    monkeypatch.setenv("HOOK", URL)
    compile_here("steps.announce.webhook=HOOK")
