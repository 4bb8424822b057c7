"""Who may import whom, as docs/architecture.md says."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

LIBRARY = Path(__file__).parents[1]
ROOT = LIBRARY.parent
PACKAGES = {
    **{package: ROOT / package for package in ("components", "models", "pipeline")},
    "tfxkit": LIBRARY / "src" / "tfxkit",
}
# Each layer of the library imports only itself and those before it.
LAYERS = (
    "errors",
    "extras",
    "project",
    "tracebacks",
    "environment",
    "compat",
    "config",
    "evaluation",
    "values",
    "storage",
    "features",
    "metrics",
    "training",
    "components",
    "runs",
    "report",
    "serving",
    "ingestion",
    "kubeflow",
    "onboarding",
    "execution",
    "testing",
    "ejection",
    "upgrade",
    "commands",
    "cli",
)
ALLOWED = {
    "pipeline": set(PACKAGES),
    "models": {"models", "tfxkit"},
    "components": {"components", "tfxkit"},
    **{
        f"tfxkit.{layer}": {
            "tfxkit.__version__",
            *(f"tfxkit.{below}" for below in LAYERS[: number + 1]),
        }
        for number, layer in enumerate(LAYERS)
    },
    "tfxkit": set(),  # only __init__.py, which is imported before anything is installed
}
MODULES = {
    ".".join((package, *path.relative_to(folder).with_suffix("").parts)): path
    for package, folder in PACKAGES.items()
    for path in sorted(folder.rglob("*.py"))
}


def imports(path: Path) -> set[str]:
    """Absolute names of all that a module imports, wherever the import stands in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}, line {node.lineno}: a relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def is_in(name: str, package: str) -> bool:
    return f"{name}.".startswith(f"{package}.")


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_what_its_layer_may(module):
    layer = next(layer for layer in ALLOWED if is_in(module, layer))
    for name in imports(MODULES[module]):
        if name == "tfxkit":  # its __init__.py imports nothing
            continue
        if any(is_in(name, package) for package in PACKAGES):
            assert any(is_in(name, allowed) for allowed in ALLOWED[layer]), f"imports {name}"


def test_each_layer_is_there():
    folder = PACKAGES["tfxkit"]
    parts = {path.stem for path in folder.iterdir() if path.suffix == ".py" or path.is_dir()}
    assert parts - {"__init__", "__pycache__"} == set(LAYERS)


def test_no_two_classes_of_the_library_have_one_name():
    modules = {}
    for name, path in MODULES.items():
        if is_in(name, "tfxkit"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.ClassDef):
                    modules.setdefault(node.name, []).append(name)
    assert not {name: places for name, places in modules.items() if len(places) > 1}


def test_set_up_imports_the_standard_library_alone():
    package = "tfxkit.environment"
    plain = {name for name in MODULES if is_in(name, package)}
    plain.remove(f"{package}.verify")  # runs in the finished environment
    assert f"{package}.install" in plain
    for module in sorted(plain | {"tfxkit.errors", "tfxkit.project"}):
        tops = {name.partition(".")[0] for name in imports(MODULES[module])}
        assert tops <= {*sys.stdlib_module_names, "tfxkit"}, module


@pytest.mark.parametrize("entry", ["checks", "doctor", "install", "lock"])
def test_set_up_starts_with_the_standard_library_alone(entry):
    subprocess.run(
        [sys.executable, "-S", "-c", f"import tfxkit.environment.{entry}"],  # -S: no site-packages
        env={"PYTHONPATH": str(PACKAGES["tfxkit"].parent)},
        check=True,
    )


def test_the_dag_names_no_runner():
    assert not [name for name in imports(ROOT / "pipeline/dag.py") if "runner" in name]


def test_the_tests_have_the_dag_of_the_project_with_models_of_their_own():
    shipped, own = ROOT / "pipeline/dag.py", LIBRARY / "tests/sample/dag.py"
    assert own.read_text().replace("tests.sample.", "") == shipped.read_text()


@pytest.mark.parametrize(
    "module",
    [
        "tfxkit.cli",
        "tfxkit.config.loading",
        "tfxkit.runs.summary",
        "tfxkit.serving.server",
        "tfxkit.values.inference",
        "tfxkit.values.scalars",
    ],
)
def test_what_starts_without_tensorflow(module):
    code = f"import sys, {module}; print('tensorflow' in sys.modules, 'tfx' in sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert result.stdout == "False False\n"


UNPICKLING = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}


@pytest.mark.parametrize("package", PACKAGES)
def test_nothing_unpickles_an_artifact(package):
    for path in PACKAGES[package].rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = {alias.name for alias in node.names} if isinstance(node, ast.Import) else set()
            names |= {node.module or ""} if isinstance(node, ast.ImportFrom) else set()
            assert not {name.split(".")[0] for name in names} & UNPICKLING, path
            if isinstance(node, ast.keyword) and node.arg in ("allow_pickle", "safe_mode"):
                allowed = node.arg == "safe_mode"  # of Keras: True is the safe one
                assert isinstance(node.value, ast.Constant) and node.value.value is allowed, path
