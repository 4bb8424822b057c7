"""Snowflake and BigQuery without the service: credentials, and a server that is not there."""

import json

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

JANUARY = ("--begin", "2026-01-01", "--end", "2026-02-01")
QUERY = "SELECT * FROM t WHERE started >= {{ begin }} AND started < {{ end }}"
SNOWFLAKE = {"driver": "snowflake", "uri": "WAREHOUSE", "query": QUERY}
BIGQUERY = {"driver": "bigquery", "project": "shop-1", "query": QUERY}


def fails(project, capfd, code, problem):
    assert project.ingest(*JANUARY) == code
    error = capfd.readouterr().err
    assert problem in error and "Traceback" not in error and len(error.splitlines()) <= 3, error
    assert "geheim" not in error and "PRIVATE KEY" not in error
    assert project.names() == []


@pytest.mark.parametrize(
    "refused",
    [
        ("geheim", 2, "must have the form user:password@account/database"),
        ("u:geheim@127.0.0.1:1/d/s?account=a&protocol=http&loginTimeout=2", 1, "127.0.0.1:1/d/s: "),
        ("u:geheim@a/d/s?loginTimeout=geheim", 1, "Cannot connect to snowflake://a/d/s: "),
        ("u:ge%zzheim@a/d/s", 1, "Cannot connect to snowflake://a/d/s: "),
        ("u@a/d?authenticator=SNOWFLAKE_JWT&privateKey=geheim", 1, "Base64 decode failed"),
    ],
)
def test_snowflake(project, capfd, monkeypatch, refused):
    address, code, problem = refused
    pytest.importorskip("adbc_driver_snowflake")
    monkeypatch.setenv("WAREHOUSE", address)
    project.configure(**SNOWFLAKE)
    fails(project, capfd, code, problem)


def json_key(private_key):
    return json.dumps(
        {
            "type": "service_account",
            "project_id": "shop-1",
            "private_key_id": "geheim-id",
            "private_key": private_key,
            "client_email": "reader@shop-1.iam.gserviceaccount.com",
            "token_uri": "http://127.0.0.1:1/token",
        }
    )


def pem():
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form = serialization.PrivateFormat.PKCS8
    nothing = serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, form, nothing).decode()


@pytest.mark.parametrize(
    ("key", "problem"),
    [
        ("geheim", "Cannot connect to bigquery://shop-1: "),
        (json_key("-----BEGIN PRIVATE KEY-----\ngeheim\n-----END PRIVATE KEY-----"), "private key"),
        (json_key(pem()), "Cannot connect to bigquery://shop-1: "),
    ],
)
def test_bigquery(project, capfd, tmp_path, key, problem):
    pytest.importorskip("adbc_driver_bigquery")
    (tmp_path / "key.json").write_text(key)
    project.configure(**BIGQUERY, credentials=str(tmp_path / "key.json"))
    fails(project, capfd, 1, problem)


@pytest.mark.parametrize(
    ("section", "problem"),
    [
        ({**SNOWFLAKE, "uri": "NOT_SET_ANYWHERE"}, "NOT_SET_ANYWHERE is not set"),
        ({**SNOWFLAKE, "uri": ""}, "ingest.uri: snowflake needs it"),
        ({**BIGQUERY, "project": ""}, "ingest.project: bigquery needs it"),
        ({**BIGQUERY, "uri": "SOMETHING"}, "ingest.uri: bigquery has no use for it; set project"),
        ({**BIGQUERY, "credentials": '{"private_key": "x"}'}, "write where the secret is"),
    ],
)
def test_a_section_that_does_not_hold_for_a_warehouse(project, capfd, section, problem):
    project.configure(**section)
    fails(project, capfd, 2, problem)
