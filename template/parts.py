"""The parts that a project may go without, and the files that each consists of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

# A pattern's * takes slashes as well. What is for a cluster of either kind is in `cluster`.
PATHS = {
    # What a project with data of its own has no use for. Its `init` writes the configurations anew.
    "sample": (
        "benchmarks/engine_cost.py",
        "benchmarks/model_columns.py",
        "benchmarks/own_data*",
        "benchmarks/quality.py",
        "benchmarks/resampled_rows.py",
        "benchmarks/speed*",
        "benchmarks/split_rows.py",
        "benchmarks/stock_taxi.py",
        "benchmarks/watched.py",
        "configs/base.yaml",
        "configs/dataset.yaml",
        "configs/fast.yaml",
        "configs/model_card.yaml",
        "configs/schema.pbtxt",
        "data/*",
        "docs/images/*",
        "tests/data/*",
        "tests/quality/*",
        "tests/report/screenshots.py",
    ),
    "template": (
        ".ci/*",
        ".github/CODEOWNERS",
        ".github/ISSUE_TEMPLATE/*",
        ".github/workflows/audit.yml",
        ".github/workflows/suites.yml",
        "cookiecutter.json",
        "copier.yml",
        "hooks/*",
        "template/*",
        "{{cookiecutter.*",
        "tests/template/*",
        "tests/foreign/*",
        "tests/shipped/*",
        "tests/kubeflow/test_own_source.py",
        "docs/moved.md",
        "docs/new-project.md",
    ),
    "cluster": (
        ".dockerignore",
        "deploy/*",
        "tfxkit/config/remote/*",
        "tfxkit/kubeflow/*",
        "tfxkit/commands/compile.py",
        "tfxkit/commands/submit.py",
        "tests/components/test_compiling.py",
        "tests/kubeflow/*",
        "tests/test_suites.py",
    ),
    "kubeflow": (
        "configs/kubeflow.yaml",
        "configs/kubeflow-engine.yaml",
        "deploy/flink/*",
        "deploy/kind/*",
        "deploy/kserve/*",
        "deploy/kubernetes/*",
        "deploy/spark/*",
        "docs/kubeflow.md",
        "tfxkit/kubeflow/clients/kubeflow.py",
        "tfxkit/kubeflow/runners/kubeflow.py",
        "tests/kubeflow/backend_fixtures.py",
        "tests/kubeflow/cluster.py",
        "tests/kubeflow/container_fixtures.py",
        "tests/kubeflow/emulator/*",
        "tests/kubeflow/idle.py",
        "tests/kubeflow/refusals.py",
        "tests/kubeflow/small_packages.py",
        "tests/kubeflow/test_checks_and_emulator.py",
        "tests/kubeflow/test_cluster_store.py",
        "tests/kubeflow/test_containers.py",
        "tests/kubeflow/test_emulator_*",
        "tests/engines/test_kubeflow_step.py",
        "tests/kubeflow/test_engine_overlay.py",
        "tests/kubeflow/test_image_contents.py",
        "tests/kubeflow/test_lost_answers.py",
        "tests/kubeflow/test_manifests.py",
        "tests/kubeflow/test_package.py",
        "tests/kubeflow/test_pushed_model.py",
        "tests/kubeflow/test_schedule.py",
        "tests/kubeflow/test_submit_kubeflow.py",
        "tests/sample/configs/kubeflow.yaml",
    ),
    "vertex": (
        "configs/vertex.yaml",
        "docs/vertex.md",
        "tfxkit/kubeflow/clients/vertex.py",
        "tfxkit/kubeflow/runners/vertex.py",
        "tests/kubeflow/test_vertex.py",
        "tests/sample/configs/vertex.yaml",
    ),
}
# Of the emulator, what the tests of the entrypoint make messages with, for either backend.
_SHARED = (
    "tests/kubeflow/emulator/__init__.py",
    "tests/kubeflow/emulator/errors.py",
    "tests/kubeflow/emulator/metadata.py",
    "tests/kubeflow/emulator/protojson.py",
)
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
    left_out = set(PATHS) - wanted - ({"kubeflow"} if path in _SHARED else set())
    return not any(matches(path, PATHS[part]) for part in left_out)


def matches(path: str, patterns: Iterable[str]) -> bool:
    """True if a path matches one of the patterns."""
    return any(fnmatchcase(path, pattern) for pattern in patterns)
