"""Lets cookiecutter refuse answers in time, and tells its hooks where the template is.

Hooks are rendered while the template's folder is the current directory (cookiecutter 2.7.1,
hooks.py, `run_hook_from_repo_dir`; cruft goes the same way), so the directory of that moment is the
template, be it a path, a clone or an unpacked archive. `cookiecutter._repo_dir` is unsuitable: it
is relative if the path was, and cruft has none. The extension itself is imported before any change
of the directory (`create_env_with_context` in generate.py).

Answers are checked when cookiecutter renders `__checked` of cookiecutter.json: after the last
question, before a file is written. A hook could refuse them as well, but cookiecutter prints a
traceback after whatever a hook says. Of a `FailedHookException` that comes earlier it prints the
text alone, and exits with 1.
"""

# Python 3.10 must be able to read this, to be refused.
from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from cookiecutter.exceptions import FailedHookException
from jinja2 import Environment
from jinja2.ext import Extension

OLD_PYTHON = (
    "Python {}.{} runs cookiecutter here, and the template needs Python 3.11 or newer: "
    "uvx --python 3.12 cookiecutter …"
)
_STARTED_IN = os.getcwd()


class RepositoryFolder(Extension):
    """Adds the functions `template_repository`, `started_in` and `checked`."""

    def __init__(self, environment: Environment) -> None:
        """Registers them.

        Raises:
            FailedHookException: If Python is too old for the template.
        """
        super().__init__(environment)
        if sys.version_info < (3, 11):
            raise FailedHookException(OLD_PYTHON.format(*sys.version_info))
        environment.globals["template_repository"] = os.getcwd
        environment.globals["started_in"] = lambda: _STARTED_IN
        environment.globals["checked"] = _check


def _check(context: Mapping[str, object]) -> str:
    """Checks all answers.

    Raises:
        FailedHookException: If one is refused, with the reason.
    """
    from template import answers
    from template.errors import TemplateError

    if not context.keys() >= answers.FORMS.keys():  # a replay asks new questions only
        return ""
    try:
        answers.check(context, Path(__file__).resolve().parents[1], Path(_STARTED_IN))
    except TemplateError as error:
        raise FailedHookException(str(error)) from None
    return "yes"
