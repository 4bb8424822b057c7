"""Each thing a backend would refuse or silently ignore is found, with the step and the cure."""

from __future__ import annotations

import copy
import subprocess
import sys

import pytest

from tests.kubeflow.broken_packages import EXECUTORS, KUBEFLOW_CASES, TASKS, VERTEX_CASES
from tests.kubeflow.whole_package import GONE, PLATFORM, VERTEX, package
from tests.sample_project import LIBRARY
from tfxkit.kubeflow.checks import RULES, find_problems, structure
from tfxkit.kubeflow.package import Package, view_package


def test_nothing_is_wrong_with_what_works():
    assert find_problems(package(), "kubeflow") == []
    assert find_problems(package(VERTEX), "vertex") == []


@pytest.mark.parametrize(("change", "told"), KUBEFLOW_CASES, ids=[t for _, t in KUBEFLOW_CASES])
def test_what_open_source_kubeflow_would_refuse_or_ignore(change, told):
    problems = find_problems(package(change), "kubeflow")
    assert any(told in problem for problem in problems), problems


@pytest.mark.parametrize(("change", "told"), VERTEX_CASES, ids=[t for _, t in VERTEX_CASES])
def test_what_vertex_would_refuse(change, told):
    problems = find_problems(package(VERTEX, change), "vertex")
    assert any(told in problem for problem in problems), problems


def test_each_problem_is_a_sentence_that_says_what_to_do():
    for change, _ in KUBEFLOW_CASES:
        for problem in find_problems(package(change), "kubeflow"):
            assert problem.endswith(".")
            assert ": " in problem


def test_no_rule_without_a_case():
    for target, cases in (
        ("kubeflow", KUBEFLOW_CASES),
        ("vertex", [*KUBEFLOW_CASES, *VERTEX_CASES]),
    ):
        for rule in RULES[target]:
            assert any(_fires(rule, target, change) for change, _ in cases), rule


def _fires(rule, target, change):
    changed = package(VERTEX, change) if target == "vertex" else package(change)
    if structure.unreadable(changed.spec):
        return False
    return bool(list(rule(view_package(changed, target))))


def test_a_value_that_will_be_given_is_not_missing():
    change = {"spec/root/inputDefinitions/parameters/bounds/defaultValue": GONE}
    assert find_problems(package(change), "kubeflow", supplied=["bounds"]) == []


def test_the_fingerprint_of_vertex_makes_example_gen_cacheable():
    hook = f"{EXECUTORS}/ExampleGen_executor/container/lifecycle/preCacheCheck/command"
    change = {f"{TASKS}/ExampleGen/cachingOptions/enableCache": True, hook: ["python"]}
    assert find_problems(package(VERTEX, change), "vertex") == []


def test_steps_inside_a_group_are_looked_at_too():
    spec = package().spec
    inner = spec["root"]["dag"]["tasks"].pop("Trainer")
    inner["inputs"] = {"parameters": {"name": {"componentInputParameter": "nme"}}}
    inner["dependentTasks"] = []
    spec["components"]["group_1"] = {"dag": {"tasks": {"Trainer": inner}}}
    spec["root"]["dag"]["tasks"]["Group"] = {
        "taskInfo": {"name": "Group"},
        "componentRef": {"name": "group_1"},
    }
    problems = "\n".join(find_problems(Package(spec, PLATFORM), "kubeflow"))
    assert "group_1: this group of steps becomes an Argo template" in problems
    assert "is the input 'nme' of group_1" in problems
    assert "Trainer: its parameter 'epochs' gets no value" in problems


@pytest.mark.parametrize("value", [None, [], {}, "x", 5], ids=repr)
def test_whatever_an_editor_left_behind_a_key_is_told_or_harmless(value):
    for path in _paths(_documents(package())):
        spec, platform = _documents(package())
        _put([spec, platform], path, value)
        assert isinstance(find_problems(Package(spec, platform), "kubeflow"), list), path


def _paths(tree, path=()):
    keys = enumerate(tree) if isinstance(tree, list) else tree.items()
    for key, value in keys:
        if path:  # not a whole document, which `read_package` checks
            yield (*path, key)
        if isinstance(value, dict | list):
            yield from _paths(value, (*path, key))


def _put(tree, path, value):
    for key in path[:-1]:
        tree = tree[key]
    tree[path[-1]] = value


def _documents(package):
    return [copy.deepcopy(package.spec), copy.deepcopy(package.platform)]


def test_a_check_needs_no_tfx():
    code = (
        "import sys; import tfxkit.kubeflow.checks; "
        "print(sorted({'tfx', 'tensorflow', 'apache_beam'} & sys.modules.keys()))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=LIBRARY, capture_output=True, text=True, check=True
    )
    assert result.stdout == "[]\n"
