"""A credential in a configuration is refused without being shown; what only sounds alike is not."""

from __future__ import annotations

import pytest

from tests.sample_project import CONFIGS
from tfxkit import cli
from tfxkit.config import loading as configs
from tfxkit.config.loading import ConfigError
from tfxkit.config.secrets import refuse_secret_names, refuse_secrets
from tfxkit.runs.summary import Status, Summary

PLANTED = "hunter2-planted"


@pytest.mark.parametrize(
    "name",
    ["s3_secret_access_key", "DB_PASSWORD", "apiKey", "auth_token", "GOOGLE_CREDENTIALS", "passwd"],
)
def test_a_credential_is_refused_and_not_shown(name):
    setting = f"beam.options={{{name}: {PLANTED}}}"
    with pytest.raises(ConfigError, match=f"{name} looks like a credential") as error:
        configs.load(CONFIGS, (), [setting])
    assert PLANTED not in str(error.value)


@pytest.mark.parametrize("options", ["{db_password: %s}", "{connect: [{db_password: %s}]}"])
def test_a_reader_is_given_no_credential_at_any_depth(options):
    settings = ["data.reader=components.orders", f"data.reader_options={options % PLANTED}"]
    with pytest.raises(ConfigError, match="db_password looks like a credential") as error:
        configs.load(CONFIGS, (), settings)
    assert PLANTED not in str(error.value)


SHAPED = [
    "AKIA" + "A7" * 8,
    "ghp_" + "a1" * 18,
    "-----BEGIN PRIVATE KEY",
    "https://hooks.slack.com/services/T00/B00/planted",
    "https://prod-1.logic.azure.com/workflows/1/invoke?sp=run&sig=planted-planted_1",
]
TAKEN = "without user and password, and give them to the process as an environment variable"


@pytest.mark.parametrize("value", SHAPED)
@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("beam.options.HARMLESS", "beam.options.HARMLESS"),
        ("data.path", "data.path"),
        ("pipeline", "pipeline"),  # would be refused anyway, with its value
        ("dataset.columns.fare.why", "dataset.columns.fare.why"),
        ("train.unknown", "train.unknown"),
    ],
)
def test_what_is_given_out_as_a_key_is_known_by_its_form_wherever_it_stands(key, told, value):
    with pytest.raises(ConfigError, match=f"  {told} looks like a credential") as error:
        configs.load(CONFIGS, (), [f"{key}='{value}'"])
    assert value not in str(error.value)


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("data.path=%s", "data.path"),
        ("bulk_inferrer.path=%s", "bulk_inferrer.path"),
        ("dataset.validation.serving_statistics=%s", "dataset.validation.serving_statistics"),
        ("dataset.evaluation.slices=[[a], ['%s']]", "dataset.evaluation.slices.1.0"),
        ("beam.options={'%s': 1}", "a key in beam.options"),
    ],
)
def test_an_address_with_a_password_is_refused_and_not_shown(setting, told):
    with pytest.raises(ConfigError, match=f"  {told} has a password in an address") as error:
        configs.load(CONFIGS, (), [setting % f"s3://user:{PLANTED}@host:9000/bucket"])
    assert PLANTED not in str(error.value) and TAKEN in str(error.value)


def test_nothing_of_it_is_left_behind_or_shown(capfd):
    setting = f"data.path=s3://user:{PLANTED}@host/bucket"
    assert cli.main(["run", "--config-dir", str(CONFIGS), "--set", setting]) == 2
    assert PLANTED not in "".join(capfd.readouterr())
    assert not (CONFIGS.parent / "outputs").exists()


def test_a_run_from_before_is_not_resumed_and_its_password_is_not_shown(tmp_path, capfd):
    config = configs.load(CONFIGS, (), [f"outputs={tmp_path}"])
    told = config.model_dump(mode="json")
    told["data"]["path"] = f"s3://user:{PLANTED}@host/bucket"
    run_dir = tmp_path / config.pipeline / "runs" / "20240501-120000"
    run_dir.mkdir(parents=True)
    Summary(
        run_id=run_dir.name, pipeline=config.pipeline, status=Status.FAILED, exit_code=1,
        started="2024-05-01T12:00:00+00:00", seconds=1, pid=1, config=told,
        versions={"tfxkit": "0.2.0"},
        arguments={"from": None, "to": None, "config_dir": str(CONFIGS)},
    ).write(run_dir)  # fmt: skip
    run_dir.with_name("latest").symlink_to(run_dir.name)
    arguments = ["--config-dir", str(CONFIGS), "--set", f"outputs={tmp_path}"]
    assert cli.main(["resume", *arguments]) == 2
    shown = "".join(capfd.readouterr())
    assert "use run instead.\n  data.path has a password" in shown and PLANTED not in shown


def test_all_else_passes():
    harmless = {
        "dataflow_kms_key": "projects/p/key",
        "TOKENIZERS_PARALLELISM": "false",
        "partition_key": "day",
        "experiments": "use_runner_v2",
        "job_server_timeout": 60,
    }
    assert refuse_secret_names(harmless) == harmless
    assert refuse_secret_names(None) is None
    addresses = [
        "s3://bucket/a:b@c",
        "http://host:9000/a@b",
        "gs://bucket/what?a=b:c@d",
        "registry.example.com:5000/image@sha256:ab",
        "pipeline@project.iam.gserviceaccount.com",
        "https://hooks.slack.com",
        "https://host/?sigma=0.123456789",
    ]
    assert refuse_secrets({"a": [*addresses, 1, None]}) == {"a": [*addresses, 1, None]}
