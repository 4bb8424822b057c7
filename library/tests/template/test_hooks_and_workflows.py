"""Hooks, workflows and editor settings: each names what exists, and reaches the right projects."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from template import parts, project, source
from tests.template.conftest import REPOSITORY
from tests.template.test_answers import GOOD

TRACKED = source.files(REPOSITORY)
WORKFLOWS = [path for path in TRACKED if path.startswith(".github/workflows/")]
ACTION = ".github/actions/environment/action.yml"
DEV_CONTAINER = ".devcontainer/devcontainer.json"
SHIPPED = (
    ".devcontainer/devcontainer.json",
    ".editorconfig",
    ".gitattributes",
    ".github/actions/environment/action.yml",
    ".github/pull_request_template.md",
    ".github/workflows/project.yml",
    ".pre-commit-config.yaml",
)
# A sentence that each local pattern has to catch.
CAUGHT = {
    "phrases": (
        "The pod waits for ever.",
        "Beam is told of each.",
        "It is mended.",
        "nobody to ask",
        "At most so many rows",
        "what is not to be had",
        "For ever",
    ),
    "docstrings": ('    """Whether a file goes.', '"""What ends it."""', 'r"""How."""'),
}


def load(path: Path | str) -> dict:
    return yaml.safe_load((REPOSITORY / path).read_text(encoding="utf-8"))


def load_dev_container(folder: Path) -> dict:
    lines = (folder / DEV_CONTAINER).read_text().splitlines()
    return json.loads("\n".join(line for line in lines if not line.lstrip().startswith("//")))


def steps(workflow: dict) -> Iterator[dict]:
    for job in workflow["jobs"].values():
        yield from job["steps"]


def targets_of_make(workflow: dict) -> set[tuple[str, str]]:
    """Folder and target of each `make` in a workflow, a matrix of targets among them."""
    named = set()
    for job in workflow["jobs"].values():
        commands = "\n".join(step.get("run", "") for step in job["steps"])
        calls = re.findall(r'\bmake (?:-C (\S+) )?("\$TARGET"|[a-z-]+)', commands)
        matrix = job.get("strategy", {}).get("matrix", {}).get("target", ())
        for folder, target in calls:
            targets = matrix if target.startswith('"') else [target]
            named |= {(folder or ".", each) for each in targets}
    return named


def targets_of(root: Path) -> set[tuple[str, str]]:
    """Folder and target of each rule of the Makefiles."""
    found = set()
    for folder in (folder for folder in (".", "library") if (root / folder / "Makefile").exists()):
        text = (root / folder / "Makefile").read_text()
        names = re.findall(r"^([a-z][a-z-]*):", text, re.MULTILINE)
        found |= {(folder, name) for name in names}
    return found


def hooks(folder: Path = REPOSITORY) -> dict[str, dict]:
    text = (folder / ".pre-commit-config.yaml").read_text()
    return {hook["id"]: hook for repo in yaml.safe_load(text)["repos"] for hook in repo["hooks"]}


def commands_of_lint() -> list[str]:
    makefile = (REPOSITORY / "Makefile").read_text()
    recipe = re.search(r"^lint:.*\n((?:\t.*\n)+)", makefile, re.MULTILINE)[1]
    return re.findall(r"-m ((?:ruff|mypy)[^#\n]*?)\s*(?:#|$)", recipe, re.MULTILINE)


@pytest.mark.parametrize("path", WORKFLOWS)
def test_a_workflow_names_what_exists(path):
    workflow = load(path)
    assert targets_of_make(workflow) <= targets_of(REPOSITORY)
    used = [step["uses"] for step in steps(workflow) if "uses" in step]
    for action in (name.removeprefix("./") for name in used if name.startswith("./")):
        assert f"{action}/action.yml" in TRACKED
    triggers = workflow[True]  # `on`, to YAML 1.1
    for pattern in (triggers.get("pull_request") or {}).get("paths", ()):
        assert any(parts.matches(name, (pattern,)) for name in TRACKED), pattern


@pytest.mark.parametrize("path", WORKFLOWS)
def test_a_workflow_can_only_read_and_ends(path):
    workflow = load(path)
    assert workflow["permissions"] == {"contents": "read"}
    assert workflow["concurrency"]["group"]
    for job in workflow["jobs"].values():
        assert "permissions" not in job
        assert job["timeout-minutes"] <= 90
    for step in steps(workflow):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


def test_no_expression_is_part_of_a_command():
    # A branch or title that somebody else chose would be run as code.
    for path in (*WORKFLOWS, ACTION):
        described = load(path)
        for step in described["runs"]["steps"] if path == ACTION else steps(described):
            assert "${{" not in step.get("run", ""), path


def test_actions_are_named_by_a_version_of_their_owner():
    for path in (*WORKFLOWS, ACTION):
        for name in re.findall(r"uses: (\S+)", (REPOSITORY / path).read_text()):
            own = name == "./" + ACTION.removesuffix("/action.yml")
            assert own or re.fullmatch(r"actions/[a-z-]+@(v\d+|[0-9a-f]{40})", name), name


def test_the_cache_is_keyed_by_the_lock():
    [cache] = [step for step in load(ACTION)["runs"]["steps"] if "cache@" in step.get("uses", "")]
    [pattern] = re.findall(r"hashFiles\('([^']*)'\)", cache["with"]["key"])
    assert {name for name in TRACKED if parts.matches(name, (pattern,))} == {
        f"requirements/{name}.txt" for name in ("installer", "notebooks", "runtime", "test")
    }


def test_pythons_are_those_of_the_project():
    described = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    first, end = re.findall(r"3\.(\d+)", described["project"]["requires-python"])
    versions = [f"3.{minor}" for minor in range(int(first), int(end))]
    tested = [
        job["strategy"]["matrix"]["python"]
        for path in WORKFLOWS
        for job in load(path)["jobs"].values()
        if "python" in job.get("strategy", {}).get("matrix", {})
    ]
    assert tested and all(matrix == versions for matrix in tested)
    assert load(ACTION)["inputs"]["python"]["default"] == versions[-1]
    assert f":{versions[-1]}-trixie" in load_dev_container(REPOSITORY)["image"]


def test_workflows_run_each_suite_of_ci():
    script = (REPOSITORY / ".ci/run").read_text()
    named = set(re.findall(r"\bsuite (\.|library) ([a-z-]+)", script))
    assert {(".", "test"), ("library", "test"), ("library", "test-template")} <= named
    assert named <= set().union(*(targets_of_make(load(path)) for path in WORKFLOWS))


def test_hooks_check_as_lint_does():
    entries = {name: hook["entry"] for name, hook in hooks().items()}
    assert entries["mypy"] in [f".venv/bin/python -m {command}" for command in commands_of_lint()]
    of_lint = {name for name, entry in entries.items() if entry.startswith(".venv/bin/python -m ")}
    skipped = [
        set(step["env"]["SKIP"].split(","))
        for step in steps(load(".github/workflows/project.yml"))
        if "SKIP" in step.get("env", {})
    ]
    assert skipped == [of_lint]


@pytest.mark.parametrize(
    ("hook", "text"), [(hook, text) for hook, texts in CAUGHT.items() for text in texts]
)
def test_a_pattern_catches(hook, text):
    described = hooks(REPOSITORY / "library")[hook]
    flags = re.IGNORECASE if "--ignore-case" in described.get("args", ()) else 0
    assert re.search(described["entry"], text, flags)


@pytest.mark.parametrize("hook", CAUGHT)
def test_this_repository_is_free_of(hook):
    described = hooks(REPOSITORY / "library")[hook]
    flags = re.IGNORECASE if "--ignore-case" in described.get("args", ()) else 0
    left_out = [load("library/.pre-commit-config.yaml")["exclude"]]
    left_out += [described["exclude"]] if "exclude" in described else []
    found = []
    for path in TRACKED:
        if any(re.search(pattern, path) for pattern in left_out):
            continue
        if described["types"] == ["python"] and not path.endswith(".py"):
            continue
        content = (REPOSITORY / path).read_bytes()
        if b"\0" not in content:
            for number, line in enumerate(content.decode("utf-8").splitlines(), start=1):
                if re.search(described["entry"], line, flags):
                    found.append(f"{path}:{number}: {line.strip()}")
    assert not found


@pytest.mark.parametrize(
    ("runs_on", "targets"),
    [
        ("local", []),
        ("kubeflow", ["kubeflow"]),
        ("vertex", ["vertex"]),
        ("all", ["kubeflow", "vertex"]),
    ],
)
def test_a_project_has_its_own_workflow_and_hooks(runs_on, targets, tmp_path):
    answers = {**GOOD, "runs_on": runs_on, "python_version": "3.12"}
    written = project.write(REPOSITORY, tmp_path, answers, tmp_path, kept=lambda _: False)
    written = [path for path in written if path != ".dockerignore"]

    hidden = {path for path in written if path.startswith((".devcontainer", ".e", ".g", ".p"))}
    assert hidden == {*SHIPPED, ".gitignore"}
    assert not [path for path in written if path.startswith(".ci")]

    workflow = yaml.safe_load((tmp_path / ".github/workflows/project.yml").read_text())
    assert targets_of_make(workflow) <= targets_of(tmp_path)
    commands = "\n".join(step.get("run", "") for step in steps(workflow))
    assert re.findall(r"compile --target (\w+)", commands) == targets
    assert yaml.safe_load((tmp_path / ACTION).read_text())["inputs"]["python"]["default"] == "3.12"
    container = load_dev_container(tmp_path)
    assert container["name"] == "Trip tips"
    assert container["image"].endswith(":3.12-trixie")
    # The language of a project is its owner's affair.
    assert not hooks(tmp_path).keys() & CAUGHT.keys()


def test_the_wheel_of_a_project_passes_its_hooks(tmp_path):
    project.write(REPOSITORY, tmp_path, GOOD, tmp_path, kept=lambda _: False)
    left_out = yaml.safe_load((tmp_path / ".pre-commit-config.yaml").read_text())["exclude"]
    [wheel] = (tmp_path / "vendor").iterdir()
    assert re.search(left_out, f"vendor/{wheel.name}")
