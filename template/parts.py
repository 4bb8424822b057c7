"""The parts of the template: which files a project gets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

# A pattern's * takes slashes as well. Tools that only this repository needs, and files that every
# project has in a version of its own:
TEMPLATE_ONLY = (
    ".ci/*",
    ".github/CODEOWNERS",
    ".github/ISSUE_TEMPLATE/*",
    ".github/workflows/audit.yml",
    ".github/workflows/suites.yml",
    "CONTRIBUTING.md",
    "README.md",
    "cookiecutter.json",
    "copier.yml",
    "hooks/*",
    "library/*",
    "template/*",
    "{{cookiecutter.*",
)
PATHS = {
    # The data of the template, with its description. `init` describes data of the owner's.
    "sample": (
        "configs/base.yaml",
        "configs/dataset.yaml",
        "configs/fast.yaml",
        "configs/model_card.yaml",
        "configs/schema.pbtxt",
        "data/*",
    ),
    # For a cluster of either kind.
    "cluster": (".dockerignore", "deploy/*"),
    "kubeflow": (
        "configs/kubeflow.yaml",
        "configs/kubeflow-engine.yaml",
        "deploy/flink/*",
        "deploy/kind/*",
        "deploy/kserve/*",
        "deploy/kubernetes/*",
        "deploy/spark/*",
    ),
    "vertex": ("configs/vertex.yaml",),
}
RUNS_ON = {
    "local": frozenset[str](),
    "kubeflow": frozenset({"cluster", "kubeflow"}),
    "vertex": frozenset({"cluster", "vertex"}),
    "all": frozenset({"cluster", "kubeflow", "vertex"}),
}


def wanted(answers: Mapping[str, str]) -> frozenset[str]:
    """The parts of a project.

    Args:
        answers: Checked ones.
    """
    return RUNS_ON[answers["runs_on"]] | (frozenset() if answers["dataset_csv"] else {"sample"})


def belongs(path: str, wanted: frozenset[str]) -> bool:
    """True if a file goes into a project.

    Args:
        path: From the repository's root, with slashes.
        wanted: The project's parts.
    """
    left_out = (PATHS[part] for part in PATHS.keys() - wanted)
    return not any(matches(path, patterns) for patterns in (TEMPLATE_ONLY, *left_out))


def matches(path: str, patterns: Iterable[str]) -> bool:
    """True if a path matches one of the patterns."""
    return any(fnmatchcase(path, pattern) for pattern in patterns)
