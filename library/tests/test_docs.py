"""Docs, changelog and requirements: existing paths, and no requirement of the library by name."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from tests.sample_project import CONFIGS
from tfxkit.config import loading
from tfxkit.config.dataset import Dataset

LIBRARY = Path(__file__).parents[1]
ROOT = LIBRARY.parent
DOCS = LIBRARY / "docs"
MOVED = DOCS / "moved.md"
BEFORE = "456d011"  # the last commit of 0.1
PAGES = sorted(page.relative_to(DOCS) for page in DOCS.rglob("*.md"))


def git(*arguments: str) -> str:
    return subprocess.run(
        ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout


def moved() -> dict[str, list[str]]:
    """New paths by old path; none where a file was removed."""
    table: dict[str, list[str]] = {}
    for line in MOVED.read_text().splitlines():
        if line.startswith("| `"):
            old, new = line.strip("| ").split(" | ")
            for path in re.findall(r"`([^`]+)`", old):
                table[path] = [] if new.startswith("removed") else re.findall(r"`([^`]+)`", new)
    return table


def test_each_new_path_exists():
    assert len(moved()) > 100
    missing = [path for paths in moved().values() for path in paths if not (ROOT / path).exists()]
    assert not missing


def test_each_old_path_has_a_row():
    try:
        files = git("ls-tree", "-r", "--name-only", BEFORE).splitlines()
    except subprocess.CalledProcessError:
        pytest.skip(f"a clone without {BEFORE}")
    table = moved()

    def is_covered(path: str) -> bool:
        if path in table or (ROOT / path).exists() or path.endswith("/__init__.py"):
            return True
        for folder in (f"{parent.as_posix()}/" for parent in Path(path).parents):
            for new in table.get(folder, ()):
                if (ROOT / new / path.removeprefix(folder)).exists() or new == "template/":
                    return True
        return False

    assert not [path for path in files if not is_covered(path)]


def anchors(page: Path) -> set[str]:
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    words = (re.sub(r"[^\w\s-]", "", heading.lower()).strip() for heading in headings)
    return {re.sub(r"[-\s]+", "-", heading) for heading in words}


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_a_page_links_to_what_exists_and_stays_in_the_docs(page):
    text = re.sub(r"```.*?```|`[^`\n]*`", "", (DOCS / page).read_text(), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        path = (DOCS / page).parent / name if name else DOCS / page
        assert path.resolve().is_relative_to(DOCS), f"{target} is no part of the site"
        assert path.exists(), target
        assert not anchor or anchor in anchors(path), target


def exists(name: str) -> bool:
    """True for a module of the library, or a name in one."""
    path, names = LIBRARY / "src", name.split(".")
    for position, part in enumerate(names):
        path /= part
        if (module := path.with_suffix(".py")).is_file():
            return all(
                re.search(rf"\b{rest}\b", module.read_text()) for rest in names[position + 1 :]
            )
        if not path.is_dir():
            package = (path.parent / "__init__.py").read_text()
            return all(re.search(rf"\b{rest}\b", package) for rest in names[position:])
    return True


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_a_page_names_what_the_library_has(page):
    named = set(re.findall(r"`(tfxkit(?:\.\w+)+)`", (DOCS / page).read_text()))
    assert [name for name in sorted(named) if not exists(name)] == []


def test_a_name_that_the_library_lacks_is_found():
    assert exists("tfxkit.metrics.Sums") and exists("tfxkit.runs.summary.Summary")
    assert not exists("tfxkit.runs.nothing") and not exists("tfxkit.runs.summary.Nothing")


SETTINGS = [
    (page, settings)
    for page in ("configuration", "ingest", "own-data", "running", "scale", "slices")
    for settings in re.findall(
        r"^```yaml\n(.*?)^```", (DOCS / f"{page}.md").read_text(), re.M | re.S
    )
]


@pytest.mark.parametrize(("page", "settings"), SETTINGS)
def test_settings_of_a_page_are_valid(page, settings, tmp_path):
    section = yaml.safe_load(settings)
    if set(section) <= set(Dataset.model_fields):
        section = {"dataset": section}
    shutil.copytree(CONFIGS, tmp_path / "configs")
    (tmp_path / "configs" / f"{page}.yaml").write_text(yaml.safe_dump(section))
    config = loading.load(tmp_path / "configs", ["local", page])
    assert set(section) <= set(type(config).model_fields)


def test_no_page_of_the_library_has_marks_of_the_template():
    pages = sorted(LIBRARY.rglob("*.md"))
    assert {LIBRARY / "README.md", LIBRARY / "benchmarks/README.md", MOVED} <= set(pages)
    assert [page for page in pages if re.search(r"<!-- (>>>|<<<)", page.read_text())] == []


def test_the_changelog_begins_with_this_version():
    project = tomllib.loads((LIBRARY / "pyproject.toml").read_text())["project"]
    changelog = (LIBRARY / "CHANGELOG.md").read_text()
    [version, date] = re.findall(r"^## \[([^\]]+)\] - (\S+)$", changelog, re.MULTILINE)[0]
    assert version == project["version"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", date)


# A package index offers whatever somebody has published under the name.
BY_NAME = re.compile(
    r"""
    \b(?:pip[x\d.]*|uvx?|poetry|conda)\b[^\n#|;&`]*\s["']?tfxkit(?![\w./-])
    | (?<![\w./-])tfxkit\s*(?:\[[\w,\s-]+\])?\s*(?:[=~!<>]=|<|>)\s*\d
    | (?<![\w./-])tfxkit\[[\w,\s-]+\]
    | ^[ ]*tfxkit[ ]*(?:$|[;\\])
    """,
    re.VERBOSE | re.MULTILINE,
)
SEARCHED = re.compile(
    r"(\.(cfg|in|ini|json|jinja|md|sh|toml|txt|ya?ml)|(^|/)(Dockerfile|Makefile|run|setup\.py)[^/]*)$"
)


@pytest.mark.parametrize(
    "line",
    [
        "pip install tfxkit",
        'RUN uv pip install --quiet "tfxkit[kubeflow]"',
        "uv add tfxkit",
        "tfxkit==0.2.0 \\",
        "RUN uv pip install \\\n    tfxkit \\",
        "uvx --from tfxkit doctor",
        "dependencies = ['tfxkit >= 0.2']",
        "extra: tfxkit[vertex]",
    ],
)
def test_a_requirement_by_name_is_found(line):
    assert BY_NAME.search(line)


@pytest.mark.parametrize(
    "line",
    [
        "pip install vendor/tfxkit-0.2.0-py3-none-any.whl",
        "vendor/tfxkit-0.2.0-py3-none-any.whl[kubeflow] \\",
        "pip install ./library[kubeflow]",
        "    # via tfxkit",
        "[tool.tfxkit]",
        "--no-emit-package=tfxkit",
        "sh setup.sh -m tfxkit.environment.install",
        "`tfxkit` 0.2.0",
        "checks the wheel (intact, of tfxkit, for this Python)",
    ],
)
def test_a_path_is_no_requirement_by_name(line):
    assert not BY_NAME.search(line)


def test_nothing_requires_the_library_by_name():
    files = git("ls-files", "--cached", "--others", "--exclude-standard").splitlines()
    searched = [ROOT / path for path in files if SEARCHED.search(path)]
    assert {ROOT / "pyproject.toml", ROOT / "deploy/Dockerfile"} <= set(searched)
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in searched
        if path.is_file()
        for match in BY_NAME.finditer(path.read_text(encoding="utf-8"))
    ]
    assert not found


@pytest.mark.parametrize("folder", [ROOT, LIBRARY], ids=["project", "library"])
def test_no_package_depends_on_the_library(folder):
    described = tomllib.loads((folder / "pyproject.toml").read_text())
    project = described["project"]
    requirements = [
        *described.get("build-system", {}).get("requires", ()),
        *project.get("dependencies", ()),
        *(each for extra in project.get("optional-dependencies", {}).values() for each in extra),
        *(each for group in described.get("dependency-groups", {}).values() for each in group),
    ]
    names = {re.match(r"[\w.-]+", each)[0] for each in requirements if isinstance(each, str)}
    assert "tfxkit" not in {re.sub(r"[-_.]+", "-", name).lower() for name in names}
