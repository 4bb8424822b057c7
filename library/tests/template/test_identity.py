"""A project with the sample and every option on is the root of this repository, renamed."""

from __future__ import annotations

import re

from template import names, project, source
from tests.template.conftest import REPOSITORY, VERSION

# What the root has and a project has not: the library, the template, this repository's own tools.
ROOT_ONLY = (
    ".ci/",
    ".github/CODEOWNERS",
    ".github/ISSUE_TEMPLATE/",
    ".github/workflows/audit.yml",
    ".github/workflows/suites.yml",
    "CONTRIBUTING.md",
    "README.md",
    "cookiecutter.json",
    "copier.yml",
    "hooks/",
    "library/",
    "template/",
    "{{cookiecutter.project_slug}}/",
)
# What a project has and the root has not, or not in this way.
PROJECT_ONLY = {
    "README.md",
    f"vendor/tfxkit-{VERSION}-py3-none-any.whl",
    "requirements/library.txt",
}
# Files with passages for one target alone, whose marks no project has.
MARKED = {
    ".github/workflows/project.yml",
    "Makefile",
    "deploy/README.md",
    "docs/production.md",
    "pyproject.toml",
}
NEW = {
    "project_name": "Trip tips",
    "project_slug": "trip-tips",
    "pipeline_name": "tips",
    "author_name": "The authors of the Trip tips",
    "python_version": "3.13",
    "license": "Apache-2.0",
    "runs_on": "all",
    "dataset_csv": "",
    "dataset_label": "",
}
MARK = re.compile(r"(?m)^[ \t]*(#|<!--) (>>>|<<<) \w+( -->)?\n|[ \t]*(#|<!--) >>> \w+ <<<( -->)?$")


def test_every_file_is_the_roots(tmp_path):
    project.write(REPOSITORY, tmp_path, NEW, tmp_path, kept=lambda _: False)
    rename = names.Renamer(NEW)
    root = {path for path in source.files(REPOSITORY) if not path.startswith(ROOT_ONLY)}
    made = {str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()}
    assert made == {rename(path) for path in root} | PROJECT_ONLY

    different, marked = [], set()
    for path in sorted(root):
        content, there = (REPOSITORY / path).read_bytes(), (tmp_path / rename(path)).read_bytes()
        if content == there:
            continue
        text = content.decode("utf-8")
        plain = MARK.sub("", text)
        marked |= {path} if plain != text else set()
        if rename(plain).rstrip("\n") != there.decode("utf-8").rstrip("\n"):
            different.append(path)
    assert different == []
    assert marked <= MARKED


def test_modes_are_the_roots(tmp_path):
    project.write(REPOSITORY, tmp_path, NEW, tmp_path, kept=lambda _: False)
    for path in source.files(REPOSITORY):
        made = tmp_path / names.Renamer(NEW)(path)
        if made.exists() and path != "README.md":
            assert made.stat().st_mode == (REPOSITORY / path).stat().st_mode, path
