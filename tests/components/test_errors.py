"""The error that a user can mend is found again behind whatever it was wrapped in."""

from __future__ import annotations

import pytest

from tfxkit.errors import DataError, ModelError, StorageError, user_error

MESSAGE = "a.csv has more than one column 'fare'.\nRename all but one."
# As workers of an engine tell it: apache-beam 2.77, runners/worker/sdk_worker.py and common.py.
FROM_PYTHON = """Pipeline BeamApp failed in state FAILED: java.lang.RuntimeException: Error \
received from SDK harness for instruction 4: Traceback (most recent call last):
  File "apache_beam/runners/common.py", line 1495, in apache_beam.runners.common.DoFnRunner.process
tfxkit.errors.{kind}: {message}

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "apache_beam/runners/common.py", line 1600, in apache_beam.runners.common._reraise_augmented
tfxkit.errors.{kind}: {message} [while running 'GuessTypes-ptransform-17']

\tat org.apache.beam.runners.fnexecution.control.FnApiControlClient$ResponseStreamObserver.onNext
"""


@pytest.mark.parametrize("kind", [DataError, ModelError, StorageError])
def test_from_the_traceback_of_a_worker(kind):
    found = user_error(RuntimeError(FROM_PYTHON.format(kind=kind.__name__, message=MESSAGE)))
    assert type(found) is kind
    assert str(found) == MESSAGE


@pytest.mark.parametrize("kind", [DataError, ModelError, StorageError])
def test_behind_another_exception(kind):
    error = RuntimeError("in a worker")
    error.__cause__ = kind(MESSAGE)
    assert user_error(error) is error.__cause__


def test_others_are_not_the_users():
    assert user_error(RuntimeError(FROM_PYTHON.format(kind="Other", message=MESSAGE))) is None
    assert user_error(OSError("a bug")) is None
