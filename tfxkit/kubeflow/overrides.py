"""Values that a run is given, and that replace one key of a step's parameter.

TFX's steps take their settings as JSON texts, one parameter for many settings; a run of Kubeflow or
Vertex AI can be given whole parameters only. So a component has further inputs: `A__B` stands for
the key `B` in the JSON text of `A`.
"""

from __future__ import annotations

import json
from typing import Any

SEPARATOR = "__"


def apply(executor_input: dict[str, Any]) -> dict[str, Any]:
    """Puts the value of each parameter `A__B` into `A`.

    Args:
        executor_input: An `ExecutorInput`.

    Returns:
        The same with the parameters that TFX's component knows.

    Raises:
        KeyError: If there is no `A`: the package is not one that `compile` writes.
        ValueError: If `A` is no JSON object.
    """
    inputs = executor_input.get("inputs", {})
    given = inputs.get("parameterValues", {})
    overrides = {name: value for name, value in given.items() if SEPARATOR in name}
    if not overrides:
        return executor_input
    known = {name: value for name, value in given.items() if name not in overrides}
    for name, value in overrides.items():
        parameter, _, key = name.partition(SEPARATOR)
        known[parameter] = json.dumps({**json.loads(known[parameter]), key: value})
    return {**executor_input, "inputs": {**inputs, "parameterValues": known}}
