"""What is replaced in a container's command: by the backend, and by Kubernetes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from google.protobuf import json_format

from tfxkit.kubeflow.checks.view import View

_EXPANDED = re.compile(r"\$\(([A-Za-z_][\w.-]*)\)")
_OWN_VARIABLES = ("KFP_POD_NAME", "KFP_POD_UID")  # of Kubeflow, in every container
_PLACEHOLDER = re.compile(r"\{\{\$\.inputs\.parameters\['(.+?)'\]\}\}")
_VALUE = re.compile(r"\{\{\$\.inputs\.artifacts\['(.+?)'\]\.value\}\}")


def expansions(view: View) -> Iterator[str]:
    """`$(NAME)` and `$$`, which Kubernetes rewrites in a command.

    All parameters are part of the launcher's command (v2/driver/driver.go:320-327), and there
    `$$` becomes `$`, and `$(NAME)` the value of a variable of the container, if it has that.
    """
    for task in view.tasks:
        if task.container is None:
            continue
        variables = {*_OWN_VARIABLES, *(variable.name for variable in task.container.env)}
        texts = {name: json_format.MessageToJson(value) for name, value in task.values().items()}
        texts["command"] = "\n".join(task.arguments())
        for name, text in texts.items():
            found = [match[0] for match in _EXPANDED.finditer(text) if match[1] in variables]
            if "$$" in text:
                found.append("$$")
            if found:
                yield (
                    f"{task.name}: its {name} has {', '.join(found)} in it, which Kubernetes would "
                    "replace without a word: write it in another way."
                )


def placeholders(view: View) -> Iterator[str]:
    """Placeholders of parameters that the task does not have: v2/driver/util.go:174-176.

    `{{$.json_escape[1]}}`, which older versions of TFX write, is known to Vertex only.
    """
    for task in view.tasks:
        arguments = "\n".join(task.arguments())
        declared = task.component.input_definitions.parameters if task.component else {}
        known = {*task.spec.inputs.parameters, *declared}
        for name in sorted(set(_PLACEHOLDER.findall(arguments)) - known):
            yield (
                f"{task.name}: its command asks for the parameter {name!r}, which it does not "
                "have: declare and give it, or take the placeholder out."
            )
        if match := _VALUE.search(arguments):
            yield (
                f"{task.name}: its command asks for the value of the artifact {match[1]!r}, which "
                "open-source Kubeflow Pipelines does not fill in: read the file at its address."
            )
        if "{{$.json_escape" in arguments:
            yield (
                f"{task.name}: its command has the placeholder {{{{$.json_escape[1]}}}}, which "
                "open-source Kubeflow Pipelines does not know: compile with TFX 1.21 or newer."
            )
