"""A longer suite runs only when it is named."""

from __future__ import annotations

import pytest

pytest_plugins = ["pytester"]

TESTS = """
import pytest

def test_plain(): pass

@pytest.mark.kubeflow
def test_kubeflow(): pass
"""


@pytest.mark.parametrize(
    ("arguments", "passed"),
    [
        ((), {"test_plain"}),
        (("-m", "not slow"), {"test_plain"}),
        (("-m", "kubeflow"), {"test_kubeflow"}),
        (("-m", "(kubeflow or slow)"), {"test_kubeflow"}),
    ],
)
def test_a_longer_suite_runs_only_when_it_is_named(arguments, passed, pytester, request):
    pytester.makeconftest((request.config.rootpath / "tests" / "conftest.py").read_text())
    pytester.makepyfile(TESTS)
    result = pytester.runpytest_subprocess("--verbose", "-p", "no:cacheprovider", *arguments)
    names = {"test_plain", "test_kubeflow"}
    assert {name for name in names if f"{name} PASSED" in result.stdout.str()} == passed
