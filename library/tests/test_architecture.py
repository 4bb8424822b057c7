"""Who may import whom, as docs/architecture.md says."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

LIBRARY = Path(__file__).parents[1]
ROOT = LIBRARY.parent
PACKAGES = ("components", "models", "pipeline", "tfxkit")
# Each layer of the library imports only itself and those before it.
LAYERS = (
    "errors",
    "project",
    "tracebacks",
    "environment",
    "compat",
    "config",
    "evaluation",
    "storage",
    "features",
    "metrics",
    "training",
    "components",
    "runs",
    "report",
    "serving",
    "kubeflow",
    "onboarding",
    "options",
    "execution",
    "testing",
    "commands",
    "cli",
)
ALLOWED = {
    "models": {"models", "tfxkit"},
    "components": {"components", "tfxkit"},
    **{
        f"tfxkit/{layer}": {f"tfxkit.{below}" for below in LAYERS[: number + 1]}
        for number, layer in enumerate(LAYERS)
    },
}


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            if node.module in PACKAGES:
                found |= {f"{node.module}.{alias.name}" for alias in node.names}
            else:
                found.add(node.module)
    return {name for name in found if name.split(".")[0] in PACKAGES}


@pytest.mark.parametrize(
    "path",
    sorted(path.relative_to(ROOT) for room in PACKAGES for path in (ROOT / room).rglob("*.py")),
    ids=str,
)
def test_a_package_imports_only_what_it_may(path):
    rooms = [room for room in ALLOWED if str(path).startswith((f"{room}/", f"{room}.py"))]
    allowed = set().union(*(ALLOWED[room] for room in rooms)) if rooms else set(PACKAGES)
    for name in imports(ROOT / path):
        parents = {name.rsplit(".", n)[0] for n in range(name.count(".") + 1)} | {name}
        assert parents & allowed, f"{path} imports {name}"


def test_the_dag_names_no_runner():
    assert not [name for name in imports(ROOT / "pipeline/dag.py") if "runner" in name]


# >>> template
def test_the_tests_have_the_dag_that_is_shipped_with_models_of_their_own():
    shipped, own = (ROOT / file for file in ("pipeline/dag.py", "tests/sample/dag.py"))
    assert own.read_text().replace("tests.sample.", "") == shipped.read_text()


# <<< template
@pytest.mark.parametrize(
    "module",
    ["tfxkit.cli", "tfxkit.config.loading", "tfxkit.runs.summary", "tfxkit.serving.server"],
)
def test_what_starts_without_tensorflow(module):
    code = f"import sys, {module}; print('tensorflow' in sys.modules, 'tfx' in sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert result.stdout == "False False\n"


UNPICKLING = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}


@pytest.mark.parametrize("room", ["components", "models", "pipeline", "tfxkit"])
def test_nothing_unpickles_an_artifact(room):
    for path in (ROOT / room).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = {alias.name for alias in node.names} if isinstance(node, ast.Import) else set()
            names |= {node.module or ""} if isinstance(node, ast.ImportFrom) else set()
            assert not {name.split(".")[0] for name in names} & UNPICKLING, path
            if isinstance(node, ast.keyword) and node.arg in ("allow_pickle", "safe_mode"):
                allowed = node.arg == "safe_mode"  # of Keras: True is the safe one
                assert isinstance(node.value, ast.Constant) and node.value.value is allowed, path
