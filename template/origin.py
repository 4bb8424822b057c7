"""The file that `copier update` starts from: answers, and version of the template."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

from template import git, own_data
from template.answers import FORMS

PATH = ".copier-answers.yml"


def text(repository: Path, answers: Mapping[str, str], context: Mapping[str, object]) -> str:
    """The text of the file; JSON, which is YAML.

    Args:
        repository: The template; without git, as an archive has none, it cannot be updated from.
        answers: Checked ones.
        context: What cookiecutter knows besides.
    """
    content = {question: answers[question] for question in FORMS}
    if content["dataset_csv"]:  # where it lies for whoever has the project
        content["dataset_csv"] = own_data.place(content["dataset_csv"])
    commit = git.output(repository, "describe", "--tags", "--always").strip()
    if commit and (repository / ".git").exists():
        address = _address(repository, context)
        # Copier takes an address that does not end in .git for no repository.
        plain = "://" in address and not address.endswith(".git")
        content |= {"_commit": commit, "_src_path": ("git+" if plain else "") + address}
    return _dump(content)


def read(file: Path) -> dict[str, str]:
    """The answers in such a file, with the version and the address of the template."""
    text = file.read_text(encoding="utf-8")
    content: dict[str, str] = json.loads(re.sub(r"\A(#.*\n)+", "", text))
    return content


def record_data(file: Path, dataset_csv: str) -> None:
    """Replaces the path of the data set, as the user named it, by its path in the project.

    Copier has written the file with the user's path. An update generates the project again, and
    finds the data only where the project has it.
    """
    content = {**read(file), "dataset_csv": own_data.place(dataset_csv)}
    file.write_text(_dump(content), encoding="utf-8")


def _dump(content: Mapping[str, str]) -> str:
    shown = json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False)
    return f"# Changes here will be overwritten by Copier\n{shown}\n"


def _address(repository: Path, context: Mapping[str, object]) -> str:
    used_in_place = str(context.get("_repo_dir", "")).startswith(str(context.get("_template", "")))
    if used_in_place:
        return str(repository)
    return git.output(repository, "remote", "get-url", "origin").strip()
