"""The values that a run is given in place of a package's defaults, checked before anything is sent.

A wrong value that gets through is found by a step, after minutes or hours of computing.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from tfxkit.config.bounds import Threshold
from tfxkit.errors import UsageError
from tfxkit.kubeflow import argument_rules
from tfxkit.kubeflow.package import Package
from tfxkit.kubeflow.parameters import declared_parameters

_KINDS: dict[str, tuple[type, ...]] = {
    "STRING": (str,),
    "NUMBER_INTEGER": (int,),
    "NUMBER_DOUBLE": (int, float),
    "BOOLEAN": (bool,),
    "LIST": (list,),
    "STRUCT": (dict,),
}


def resolve(
    package: Package,
    target: str,
    values: Mapping[str, str],
    thresholds: Sequence[str] = (),
) -> dict[str, Any]:
    """Makes the arguments of a run from what was said on the command line.

    Args:
        package: Declares the parameters.
        target: `kubeflow` or `vertex`.
        values: Texts by name of parameter; YAML, unless the parameter is a text.
        thresholds: `METRIC.KEY=NUMBER` texts, laid over the package's default of `thresholds`.

    Returns:
        The arguments that differ from the defaults, by name.

    Raises:
        UsageError: If a parameter is not there, or a value is not what the pipeline takes.
    """
    known = declared_parameters(package.spec)
    found: dict[str, Any] = {}
    for name, text in values.items():
        found[name] = _parse(name, text, _of(known, name))
    if thresholds:
        default = _of(known, "thresholds").get("defaultValue") or {}
        found["thresholds"] = _merge(found.get("thresholds", default), thresholds)
    return {
        name: argument_rules.check(package, target, name, value) for name, value in found.items()
    }


def _of(known: Mapping[str, dict[str, Any]], name: str) -> dict[str, Any]:
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, 1)
    listed = ", ".join(sorted(known)) or "none"
    hint = f"did you mean {near[0]}?" if near else f"it has: {listed}"
    raise UsageError(
        f"The package has no parameter {name!r}; {hint} (worst_slice and drift are parameters only "
        "of a package that was compiled with thresholds for them)"
    )


def _parse(name: str, text: str, parameter: Mapping[str, Any]) -> Any:
    kind = parameter.get("parameterType", "STRING")
    if kind == "STRING":
        return text
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UsageError(f"{name}: {text!r} is not valid YAML: {error}") from None
    fitting = isinstance(value, _KINDS.get(kind, ()))
    if not fitting or (isinstance(value, bool) and kind != "BOOLEAN"):
        raise UsageError(f"{name}: {text!r} is not what the package declares, a {kind}")
    return value


def _merge(default: Mapping[str, Any], settings: Sequence[str]) -> dict[str, Any]:
    """Lays `METRIC.KEY=NUMBER` texts over thresholds; a threshold that becomes null goes."""
    merged = {}
    for metric, bounds in default.items():
        if not isinstance(bounds, Mapping):
            raise UsageError(f"thresholds.{metric}: {bounds!r} is no mapping such as {{min: 0.9}}")
        merged[metric] = dict(bounds)
    for setting in settings:
        path, equals, text = setting.partition("=")
        metric, dot, bound = path.rpartition(".")
        if not (equals and dot and metric) or bound not in Threshold.model_fields:
            raise UsageError(
                f"--threshold {setting}: write it as METRIC.KEY=NUMBER, such as auc.min=0.9; "
                f"keys are {', '.join(Threshold.model_fields)}"
            )
        merged.setdefault(metric, {})[bound] = None if text == "null" else _number(setting, text)
    return {
        metric: kept
        for metric, bounds in merged.items()
        if (kept := {bound: value for bound, value in bounds.items() if value is not None})
    }


def _number(setting: str, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise UsageError(f"--threshold {setting}: {text!r} is no number")
    return number
