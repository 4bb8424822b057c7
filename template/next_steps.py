"""The last words of a generation: what to do next."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from template import own_data


def describe(answers: Mapping[str, str], folder: str) -> str:
    """The next commands, and the places to look at first.

    Args:
        answers: Checked ones.
        folder: The project's folder, as the user would write it.
    """
    first = " looks at your data," if answers["dataset_csv"] else ""
    data = "the taxi sample, because the answer dataset_csv is empty"
    if answers["dataset_csv"]:
        data = own_data.place(answers["dataset_csv"])
    return f"""
{answers["project_name"]} is in {folder}.
Data: {data}.

Next:

    cd {shlex.quote(folder)}
    git init -b main && git add --all && git commit --message "As generated"
    make run     # sets up .venv,{first} trains, evaluates and pushes a model
    make test    # runs the tests of this project

The DAG is pipeline/dag.py. Every file is yours to edit except vendor/ and requirements/, which
commands write. README.md says which file is for what, and how to get the next version."""
