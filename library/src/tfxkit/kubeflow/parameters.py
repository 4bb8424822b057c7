"""Parameters of a run: values that may change between runs without compiling again.

They are inputs of the whole pipeline, each with a default, and are passed to the steps that use
them. TFX's steps take their settings as JSON texts, many settings in one parameter, and a backend
replaces whole parameters only. So a step gets a further input `A__B` for the key `B` in the JSON
text of its parameter `A`; `apply_overrides` puts the value there, in the step's container.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tfxkit.config.loading import Config

REPORT = "Report"  # shows the parameters of its run
STRING = "STRING"
STRUCT = "STRUCT"
_SEPARATOR = "__"


@dataclasses.dataclass(frozen=True)
class Parameter:
    """One input of the pipeline.

    Attributes:
        name: Name for users, when they start a run.
        type: STRING, or STRUCT for a mapping.
        default: Value in a run without another.
        step: The step that uses it.
        input: The step's input to which it is passed.
    """

    name: str
    type: str
    default: Any
    step: str
    input: str


def parameters_of(config: Config, spec: Mapping[str, Any]) -> list[Parameter]:
    """Parameters of a configuration's pipeline, once for each step that uses them.

    Args:
        config: Has the defaults.
        spec: The compiled DAG; values that none of its steps uses are no parameters.
    """
    evaluation = config.dataset.evaluation.model_dump(mode="json", exclude_none=True)
    validation = config.dataset.validation.model_dump(mode="json", exclude_none=True)
    parameters = [
        Parameter("data_path", STRING, config.data.path, "ExampleGen", "input_base"),
        Parameter("spans", STRING, config.data.spans, "ExampleGen", "range_config"),
    ]
    for section, key, parameter_type, values in (
        ("validation", "stop_at", STRING, validation),
        ("validation", "drift", STRUCT, validation),
        ("validation", "serving_statistics", STRING, validation),
        ("evaluation", "thresholds", STRUCT, evaluation),
        ("evaluation", "worst_slice", STRUCT, evaluation),
    ):
        steps = [step for step in spec["root"]["dag"]["tasks"] if _has(spec, step, section, key)]
        if steps != [REPORT] and (values.get(key) or key == "thresholds"):
            parameters += [
                Parameter(key, parameter_type, values[key], step, f"{section}{_SEPARATOR}{key}")
                for step in steps
            ]
    return parameters


def add_parameters(spec: dict[str, Any], parameters: Sequence[Parameter]) -> None:
    """Declares the parameters in a pipeline's spec, and passes them to their steps."""
    inputs = spec["root"].setdefault("inputDefinitions", {}).setdefault("parameters", {})
    for parameter in parameters:
        inputs[parameter.name] = {
            "parameterType": parameter.type,
            "defaultValue": parameter.default,
            "isOptional": True,  # as kfp's own compiler marks parameters with a default
        }
        task = spec["root"]["dag"]["tasks"][parameter.step]
        component = spec["components"][task["componentRef"]["name"]]
        definition = {"parameterType": parameter.type}
        component["inputDefinitions"]["parameters"][parameter.input] = definition
        source = {"componentInputParameter": parameter.name}
        task["inputs"]["parameters"][parameter.input] = source


def declared_parameters(spec: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Parameters of a compiled pipeline by name: `parameterType` and `defaultValue`."""
    definitions = spec["root"].get("inputDefinitions") or {}
    return dict(definitions.get("parameters") or {})


def apply_overrides(executor_input: dict[str, Any]) -> dict[str, Any]:
    """Puts the value of each parameter `A__B` into `A`.

    Args:
        executor_input: An `ExecutorInput`.

    Returns:
        The message with the parameters of TFX's component only.

    Raises:
        KeyError: If there is no `A`: the package was not written by `compile`.
        ValueError: If `A` is no JSON object.
    """
    inputs = executor_input.get("inputs", {})
    parameters = inputs.get("parameterValues", {})
    overrides = {name: value for name, value in parameters.items() if _SEPARATOR in name}
    if not overrides:
        return executor_input
    values = {name: value for name, value in parameters.items() if name not in overrides}
    for name, value in overrides.items():
        parameter, _, key = name.partition(_SEPARATOR)
        values[parameter] = json.dumps({**json.loads(values[parameter]), key: value})
    return {**executor_input, "inputs": {**inputs, "parameterValues": values}}


def _has(spec: Mapping[str, Any], step: str, name: str, key: str) -> bool:
    """True if a parameter of a step is the text of a JSON object with a key."""
    parameters = spec["root"]["dag"]["tasks"][step].get("inputs", {}).get("parameters", {})
    try:
        value = json.loads(parameters.get(name, {}).get("runtimeValue", {}).get("constant", ""))
    except (TypeError, ValueError):
        return False
    return isinstance(value, dict) and key in value
