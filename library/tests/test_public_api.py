"""Projects import what docs/api.md lists, and nothing else of the library."""

from __future__ import annotations

import ast
import json
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

LIBRARY = Path(__file__).parents[1]
ROOT = LIBRARY.parent
API = LIBRARY / "docs" / "api.md"
LISTED = re.findall(r"^\| `(tfxkit[\w.]*)\.(\w+)` \|", API.read_text(), re.MULTILINE)
NAMES = {f"{module}.{name}" for module, name in LISTED}
MODULES = {module for module, _ in LISTED}
FOLDERS = (
    *(ROOT / folder for folder in ("components", "models", "pipeline", "tests", "notebooks")),
    LIBRARY / "tests" / "foreign" / "project",
    LIBRARY / "tests" / "sample",
)
CODE = sorted(
    path
    for folder in FOLDERS
    for path in folder.rglob("*")
    if path.suffix in (".py", ".ipynb") and ".ipynb_checkpoints" not in path.parts
)
PAGES = sorted(
    page
    for folder in (LIBRARY / "docs", ROOT / "docs")
    for page in folder.rglob("*.md")
    if "```python" in page.read_text()
)
IMPORT = re.compile(
    r"^[ \t]*(from tfxkit[\w.]* import (?:\([^)]*\)|[^(\n]*)|import tfxkit.*)$", re.MULTILINE
)


def sources(path: Path) -> Iterator[str]:
    """Python in a module, a notebook, or the code blocks of a page."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        yield text
    elif path.suffix == ".ipynb":
        cells = [cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]
        yield "\n".join("".join(cell["source"]) for cell in cells)
    else:
        for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
            yield textwrap.dedent(block)


def used(code: str) -> Iterator[str]:
    """Names that a piece of code takes from the library, also as attributes of its modules."""
    try:
        tree = ast.parse(code)
    except SyntaxError:  # an excerpt of a page, with … in it
        tree = ast.parse("\n".join(IMPORT.findall(code)))
    modules: dict[str, str] = {}  # by the name that the code gives them
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "tfxkit":
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                if name in MODULES and name not in NAMES:
                    modules[alias.asname or alias.name] = name
                else:
                    yield name
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.partition(".")[0] == "tfxkit":
                    yield alias.name  # names no attribute: nothing is listed that way
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id in modules
        ):
            yield f"{modules[node.value.id]}.{node.attr}"


def test_a_use_beyond_the_list_is_found():
    code = """
        import tfxkit.cli
        from tfxkit.errors import DataError, user_error
        from tfxkit.training import export, weights
        export.export(model)
        export.fingerprint(model)
        …
    """
    excerpt = set(used(textwrap.dedent(code)))
    whole = set(used(textwrap.dedent(code.replace("…", ""))))
    assert excerpt - NAMES == {"tfxkit.cli", "tfxkit.errors.user_error", "tfxkit.training.weights"}
    assert whole - NAMES == {*(excerpt - NAMES), "tfxkit.training.export.fingerprint"}


@pytest.mark.parametrize(
    "path", [*CODE, *PAGES], ids=lambda path: path.relative_to(ROOT).as_posix()
)
def test_a_project_uses_what_is_listed(path):
    unlisted = {name for code in sources(path) for name in used(code)} - NAMES
    assert not unlisted, "docs/api.md does not list them"


def test_something_is_looked_at():
    assert {"dag.py", "features.py", "03_model.ipynb"} <= {path.name for path in CODE}
    assert {"steps.md", "features.md"} <= {page.name for page in PAGES}


@pytest.mark.parametrize("module", sorted(MODULES))
def test_the_list_is_what_each_module_says_of_itself(module):
    path = LIBRARY / "src" / Path(*module.split("."))
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    tree = ast.parse(path.read_text())
    [value] = [
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
    ]
    assert sorted(ast.literal_eval(value)) == sorted(n for m, n in LISTED if m == module)
    bound = {
        name.asname or name.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in node.names
    }
    bound |= {node.name for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef)}
    bound |= {
        ast.unparse(target)
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
    }
    assert set(ast.literal_eval(value)) <= bound


def test_each_public_module_has_a_place_in_the_reference():
    pages = "\n".join(page.read_text() for page in (LIBRARY / "docs/reference").glob("*.md"))
    documented = set(re.findall(r"^::: (\S+)$", pages, re.MULTILINE))
    assert documented == MODULES - {"tfxkit.cli", "tfxkit.environment.doctor"}


def test_each_listed_name_has_a_line_of_its_own():
    assert len(LISTED) == len(NAMES)
    for line in API.read_text().splitlines():
        if line.startswith("| `"):
            assert re.fullmatch(r"\| `tfxkit[\w.]+` \| .+\. \|", line), line
