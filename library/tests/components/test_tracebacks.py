"""The line of an owner's code is found behind an exception, wherever that was raised or wrapped."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import tensorflow as tf

from tests.sample_project import LIBRARY
from tfxkit.config.dataset import Dataset
from tfxkit.project import project_root
from tfxkit.tracebacks import located, own_file, own_line, raised

ROOT = project_root()
FILE = str(Path(__file__).relative_to(ROOT))


def line_of(text: str) -> int:
    """The number of the first line of this file that is a text."""
    lines = Path(__file__).read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if line.strip() == text)


def misspells():
    return cuont  # noqa: F821


def reads_no_json():
    return json.loads("{")


def describes_no_data():
    return Dataset.model_validate({"task": "guess"})


def builds_a_graph():
    return tf.function(misspells)()


def caught(function) -> Exception:
    try:
        function()
    except Exception as error:
        return error
    raise AssertionError


@pytest.mark.parametrize(
    ("function", "source"),
    [
        (misspells, "return cuont  # noqa: F821"),
        (reads_no_json, 'return json.loads("{")'),
        (describes_no_data, 'return Dataset.model_validate({"task": "guess"})'),
    ],
)
def test_it_is_the_innermost_line_that_is_no_librarys(function, source):
    place = f"{FILE}, line {line_of(source)}, in {function.__name__}: {source}"
    assert located("It fails.", caught(function)) == f"It fails.\n{place}"


def test_a_function_that_tensorflow_traces_has_its_line_in_the_text():
    error = caught(builds_a_graph)
    line = line_of("return cuont  # noqa: F821")
    assert str(own_line(error)).startswith(f"{FILE}, line {line}, in misspells: return cuont")
    assert raised(error) == "NameError: name 'cuont' is not defined"


def test_it_is_found_behind_other_exceptions():
    outer = RuntimeError("a worker failed")
    outer.__cause__ = caught(misspells)
    assert own_line(outer).function == "misspells"


def test_the_library_itself_has_no_such_line():
    error = caught(describes_no_data)
    error.__traceback__ = error.__traceback__.tb_next.tb_next  # from the call on
    assert own_line(error) is None
    assert located("It fails.", error) == "It fails."


def test_a_module_that_python_cannot_read():
    source = "def f(:\n"
    error = caught(lambda: compile(source, str(ROOT / "models/words.py"), "exec"))
    assert str(own_line(error)) == "models/words.py, line 1: def f(:"


# As a worker of Beam in another process tells it: apache-beam 2.77, runners/worker/sdk_worker.py.
FROM_A_WORKER = """Traceback (most recent call last):
  File "apache_beam/runners/common.py", line 1495, in apache_beam.runners.common.DoFnRunner.process
  File "{site_packages}/apache_beam/transforms/core.py", line 2084, in <lambda>
    wrapper = lambda x: [fn(x)]
                         ^^^^^
  File "{root}/models/words.py", line 7, in shortened
    return text[:lenght]
                 ^^^^^^
NameError: name 'lenght' is not defined

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "{site_packages}/apache_beam/runners/worker/sdk_worker.py", line 311, in _execute
    response = task()
               ^^^^^^
  File "{root}/models/words.py", line 7, in shortened
    return text[:lenght]
                 ^^^^^^
NameError: name 'lenght' is not defined [while running 'Map(shortened)-ptransform-17']
"""


@pytest.mark.parametrize("root", [ROOT, "/opt/pipeline/lib/python3.12/site-packages"])
def test_from_the_traceback_of_a_worker(root):
    text = FROM_A_WORKER.format(root=root, site_packages="/usr/lib/python3.12/site-packages")
    error = RuntimeError(text)
    place = "models/words.py, line 7, in shortened: return text[:lenght]"
    assert str(own_line(error)) == place
    assert raised(error) == "NameError: name 'lenght' is not defined"
    assert raised(ValueError("odd")) == "ValueError: odd"
    assert raised(ValueError("odd [while running 'Map']")) == "ValueError: odd"


@pytest.mark.parametrize(
    ("filename", "file"),
    [
        (ROOT / "models/features.py", "models/features.py"),
        (ROOT / "components/announce.py", "components/announce.py"),
        (ROOT / "announcements/note.py", "announcements/note.py"),
        (ROOT / "pipeline/dag.py", "pipeline/dag.py"),
        (LIBRARY / "src/tfxkit/execution.py", None),
        (LIBRARY / "src/tfxkit/components/evaluator/component.py", None),
        (ROOT / "env/lib/python3.12/site-packages/keras/models.py", None),
        ("/usr/lib/python3.12/site-packages/models/features.py", "models/features.py"),
        ("/usr/lib/python3.12/site-packages/tfxkit/errors.py", None),
        (json.__file__, None),
        ("<frozen importlib._bootstrap>", None),
    ],
    ids=str,
)
def test_whose_file_it_is(filename, file):
    assert own_file(str(filename)) == file
