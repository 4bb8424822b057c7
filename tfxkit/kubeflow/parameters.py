"""The parameters of a run: what may change from one to the next without compiling again.

They are inputs of the whole pipeline, each with a default, and are handed to the steps that use
them. A step's input `a__b` replaces the key `b` in the JSON text of the step's parameter `a`; the
entrypoint of the container does that.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

from tfxkit.config.loading import Config

REPORT = "Report"  # shows what its run was given
STRING = "STRING"
STRUCT = "STRUCT"


@dataclasses.dataclass(frozen=True)
class Parameter:
    """One input of the pipeline.

    Attributes:
        name: As it is given when a run is started.
        type: STRING, or STRUCT for a mapping.
        default: What a run takes that does not give it.
        step: The step that uses it.
        input: The step's input that it is handed to.
    """

    name: str
    type: str
    default: Any
    step: str
    input: str


def parameters_of(config: Config, spec: Mapping[str, Any]) -> list[Parameter]:
    """The parameters that a configuration gives its pipeline, once for each step that uses them.

    Args:
        config: Has the defaults.
        spec: The compiled DAG: what none of its steps uses is no parameter.
    """
    evaluation = config.dataset.evaluation.model_dump(mode="json", exclude_none=True)
    validation = config.dataset.validation.model_dump(mode="json", exclude_none=True)
    found = [
        Parameter("data_path", STRING, config.data.path, "ExampleGen", "input_base"),
        Parameter("spans", STRING, config.data.spans, "ExampleGen", "range_config"),
    ]
    for section, key, kind, values in (
        ("validation", "stop_at", STRING, validation),
        ("validation", "drift", STRUCT, validation),
        ("validation", "serving_statistics", STRING, validation),
        ("evaluation", "thresholds", STRUCT, evaluation),
        ("evaluation", "worst_slice", STRUCT, evaluation),
    ):
        users = [step for step in spec["root"]["dag"]["tasks"] if _has(spec, step, section, key)]
        if users != [REPORT] and (values.get(key) or key == "thresholds"):
            for user in users:
                found.append(Parameter(key, kind, values[key], user, f"{section}__{key}"))
    return found


def _has(spec: Mapping[str, Any], step: str, name: str, key: str) -> bool:
    """True if a parameter of a step is the text of a JSON object with a key."""
    parameters = spec["root"]["dag"]["tasks"][step].get("inputs", {}).get("parameters", {})
    try:
        value = json.loads(parameters.get(name, {}).get("runtimeValue", {}).get("constant", ""))
    except (TypeError, ValueError):
        return False
    return isinstance(value, dict) and key in value


def add_parameters(spec: dict[str, Any], parameters: Sequence[Parameter]) -> None:
    """Declares the parameters in a pipeline's spec, and hands them to their steps."""
    inputs = spec["root"].setdefault("inputDefinitions", {}).setdefault("parameters", {})
    for parameter in parameters:
        inputs[parameter.name] = {
            "parameterType": parameter.type,
            "defaultValue": parameter.default,
            "isOptional": True,  # as kfp's own compiler has it where there is a default
        }
        _hand_over(
            spec,
            parameter.step,
            parameter.input,
            parameter.type,
            {"componentInputParameter": parameter.name},
        )


def declared(spec: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The parameters of a compiled pipeline by name: `parameterType` and `defaultValue`."""
    definitions = spec["root"].get("inputDefinitions") or {}
    return dict(definitions.get("parameters") or {})


def _hand_over(
    spec: dict[str, Any], step: str, name: str, kind: str, source: dict[str, Any]
) -> None:
    task = spec["root"]["dag"]["tasks"][step]
    component = spec["components"][task["componentRef"]["name"]]
    component["inputDefinitions"]["parameters"][name] = {"parameterType": kind}
    task["inputs"]["parameters"][name] = source
