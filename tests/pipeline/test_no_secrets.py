"""A credential in a configuration is refused without being shown; what only sounds alike is not."""

from __future__ import annotations

import pytest

from pipeline import config as configs
from pipeline.config import ConfigError
from pipeline.no_secrets import refuse_secrets
from tests.sample_project import CONFIGS

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


@pytest.mark.parametrize("value", ["AKIA" + "A7" * 8, "ghp_" + "a1" * 18, "-----BEGIN PRIVATE KEY"])
def test_what_is_given_out_as_a_key_is_known_by_its_form(value):
    with pytest.raises(ValueError, match="looks like a credential") as error:
        refuse_secrets({"HARMLESS": value})
    assert value not in str(error.value)


def test_all_else_passes():
    harmless = {
        "dataflow_kms_key": "projects/p/key",
        "TOKENIZERS_PARALLELISM": "false",
        "partition_key": "day",
        "experiments": "use_runner_v2",
        "job_server_timeout": 60,
    }
    assert refuse_secrets(harmless) == harmless
    assert refuse_secrets(None) is None
