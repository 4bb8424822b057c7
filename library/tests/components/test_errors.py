"""The error that a user can fix is found behind whatever wraps it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tfxkit import errors
from tfxkit.errors import DataError, MachineError, ModelError, StorageError, user_error

KINDS = [DataError, MachineError, ModelError, StorageError]
MESSAGE = "a.csv has more than one column 'fare'.\nRename all but one."
# As workers of an engine tell it: apache-beam 2.77, runners/worker/sdk_worker.py and common.py.
FROM_PYTHON = """Pipeline BeamApp failed in state FAILED: java.lang.RuntimeException: Error \
received from SDK harness for instruction 4: Traceback (most recent call last):
  File "apache_beam/runners/common.py", line 1495, in apache_beam.runners.common.DoFnRunner.process
{module}.{kind}: {message}

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "apache_beam/runners/common.py", line 1600, in apache_beam.runners.common._reraise_augmented
{module}.{kind}: {message} [while running 'GuessTypes-ptransform-17']

\tat org.apache.beam.runners.fnexecution.control.FnApiControlClient$ResponseStreamObserver.onNext
"""


@pytest.mark.parametrize("kind", KINDS)
def test_from_the_traceback_of_a_worker(kind):
    found = user_error(
        RuntimeError(
            FROM_PYTHON.format(module=errors.__name__, kind=kind.__name__, message=MESSAGE)
        )
    )
    assert type(found) is kind
    assert str(found) == MESSAGE


@pytest.mark.parametrize("kind", KINDS)
def test_behind_another_exception(kind):
    error = RuntimeError("in a worker")
    error.__cause__ = kind(MESSAGE)
    assert user_error(error) is error.__cause__


def test_others_are_not_the_users():
    assert (
        user_error(
            RuntimeError(FROM_PYTHON.format(module=errors.__name__, kind="Other", message=MESSAGE))
        )
        is None
    )
    assert user_error(OSError("a bug")) is None


def test_the_module_may_be_called_otherwise(tmp_path):
    (tmp_path / "renamed.py").write_text(Path(errors.__file__).read_text())
    program = (
        "import subprocess, sys, renamed\n"
        "worker = 'import renamed; raise renamed.DataError(\"Column fare is missing.\")'\n"
        "done = subprocess.run([sys.executable, '-c', worker], capture_output=True, text=True)\n"
        "print(repr(renamed.user_error(RuntimeError(done.stderr.strip()))))"
    )
    out = subprocess.check_output([sys.executable, "-c", program], cwd=tmp_path, text=True)
    assert out == "DataError('Column fare is missing.')\n"
