"""Checks the answers, before anything is written.

cookiecutter renders this file, and runs it in the new project's folder. The answers come as JSON in
a string, so that no answer can end the string and go on as code.
"""

# ruff: noqa: F821
import json
import sys

repository, folder, answers = json.loads(
    {{[template_repository(), started_in(), cookiecutter] | jsonify | jsonify}}
)
sys.dont_write_bytecode = True  # nothing is left in the template
sys.path.insert(0, repository)

from template import hook  # noqa: E402

sys.exit(hook.check(repository, folder, answers))
