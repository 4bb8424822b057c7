"""What a run says of the exception that ended it: status, advice, the exact next command."""

from __future__ import annotations

from pathlib import Path

import pytest

from tfxkit.config.selection import ConfigSelection
from tfxkit.errors import DataError, StorageError
from tfxkit.runs.explanation import explain
from tfxkit.runs.outputs import Outputs
from tfxkit.runs.summary import Status

OUTPUTS = Outputs(Path("/outputs/taxi"), ConfigSelection(("fast",)))
LOG = Path("/outputs/taxi/runs/1/run.log")
RESUME = "resume: python -m pipeline resume --config fast"


def caused_by(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "status", "parts"),
    [
        (ValueError("odd\nmore"), Status.FAILED, ["ValueError: odd\n", f"Full log: {LOG}"]),
        (OSError("No space left on device"), Status.FAILED, ["The disk is full.", RESUME]),
        (
            caused_by(StorageError("metadata.sqlite"), RuntimeError("database is locked")),
            Status.FAILED,
            ["Another process holds metadata.sqlite.", RESUME],
        ),
        (StorageError("s3://bucket refuses"), Status.FAILED, ["s3://bucket refuses"]),
        (
            caused_by(RuntimeError("worker"), DataError("See: python -m pipeline schema diff")),
            Status.STOPPED,
            ["See: python -m pipeline schema diff --config fast"],
        ),
        (
            DataError("Accept: python -m pipeline schema accept   writes it there"),
            Status.STOPPED,
            ["Accept: python -m pipeline schema accept --config fast   writes it there"],
        ),
        (
            DataError("See: python -m pipeline config show. Or: python -m pipeline config schema"),
            Status.STOPPED,
            ["config show --config fast. Or: python -m pipeline config schema --config fast"],
        ),
        (
            DataError("Do: python -m pipeline run --no-cache"),
            Status.STOPPED,
            ["Do: python -m pipeline run --config fast --no-cache"],
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)  # fmt: skip
def test_the_message_has_the_reason_and_the_command(error, status, parts):
    found, message = explain(error, OUTPUTS, LOG)
    assert found == status
    assert all(part in message for part in parts), message


def raises():
    {}["fare"]


def test_the_line_of_the_owners_code_follows_the_reason():
    with pytest.raises(KeyError) as caught:
        raises()
    line = raises.__code__.co_firstlineno + 1
    place = f'library/tests/pipeline/test_explanation.py, line {line}, in raises: {{}}["fare"]'
    assert explain(caught.value, OUTPUTS, LOG) == (
        Status.FAILED,
        f"KeyError: 'fare'\n{place}\nFull log: {LOG}",
    )
