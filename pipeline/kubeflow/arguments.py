"""The values that a run is given in place of a package's defaults, checked before anything is sent.

A wrong value that gets through is found by a step, after minutes or hours of computing.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import pydantic
import yaml

from models.bounds import Comparator, Threshold, Validation, WorstSlice
from pipeline.config import DataConfig
from pipeline.errors import UsageError
from pipeline.kubeflow import measured
from pipeline.kubeflow.addresses import LOCATION_HINT, is_cloud_storage, is_location
from pipeline.kubeflow.package import Package
from pipeline.kubeflow.parameters import declared

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
        thresholds: `METRIC.BOUND=NUMBER` texts, laid over the package's default of `thresholds`.

    Returns:
        The arguments that differ from the defaults, by name.

    Raises:
        UsageError: If a parameter is not there, or a value is not what the pipeline takes.
    """
    known = declared(package.spec)
    found: dict[str, Any] = {}
    for name, text in values.items():
        found[name] = _parse(name, text, _of(known, name))
    if thresholds:
        default = _of(known, "thresholds").get("defaultValue") or {}
        found["thresholds"] = _merge(found.get("thresholds", default), thresholds)
    for name, value in found.items():
        _check(package, target, name, value)
    return found


def _of(known: Mapping[str, dict[str, Any]], name: str) -> dict[str, Any]:
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, 1)
    listed = ", ".join(sorted(known)) or "none"
    hint = f"did you mean {near[0]}?" if near else f"it has: {listed}"
    raise UsageError(
        f"The package has no parameter {name!r}; {hint} (worst_slice and drift are parameters only "
        "of a package that was compiled with bounds for them)"
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
    """Lays `METRIC.BOUND=NUMBER` texts over thresholds; a bound that becomes null goes."""
    merged = {metric: dict(bounds) for metric, bounds in default.items()}
    for setting in settings:
        path, equals, text = setting.partition("=")
        metric, dot, bound = path.rpartition(".")
        if not (equals and dot and metric) or bound not in Threshold.model_fields:
            raise UsageError(
                f"--threshold {setting}: write it as METRIC.BOUND=NUMBER, such as auc.min=0.9; "
                f"bounds are {', '.join(Threshold.model_fields)}"
            )
        try:
            merged.setdefault(metric, {})[bound] = None if text == "null" else float(text)
        except ValueError:
            raise UsageError(f"--threshold {setting}: {text!r} is no number") from None
    return {
        metric: kept
        for metric, bounds in merged.items()
        if (kept := {bound: value for bound, value in bounds.items() if value is not None})
    }


def _check(package: Package, target: str, name: str, value: Any) -> None:
    """Holds a value to the project's own models, if it is one of the project's parameters."""
    checks: dict[str, Callable[[], None]] = {
        "data_path": lambda: _check_location(target, value),
        "spans": lambda: _validate("spans", DataConfig, {"path": ".", "spans": value}),
        "stop_at": lambda: _validate("stop_at", Validation, {"stop_at": value}),
        "thresholds": lambda: _check_thresholds(package, value),
        "worst_slice": lambda: _check_worst_slice(package, value),
        "drift": lambda: _check_drift(package, value),
    }
    if name in checks:
        checks[name]()


def _check_location(target: str, path: str) -> None:
    if target == "vertex" and not is_cloud_storage(path):
        raise UsageError(f"data_path: {path!r} is not on Cloud Storage: Vertex reads gs:// only")
    if not is_location(path):
        raise UsageError(f"data_path: {path!r} is not to be found in a container: {LOCATION_HINT}")


def _check_thresholds(package: Package, thresholds: Mapping[str, Any]) -> None:
    metrics = measured.metrics(package)
    for metric, bounds in thresholds.items():
        _known(f"thresholds: no metric {metric!r}", metric, metrics)
        _validate(f"thresholds.{metric}", Threshold, bounds)
        if isinstance(bounds, Mapping) and "max_worsening" in bounds:
            measured.check_direction(metric)


def _check_worst_slice(package: Package, bound: Mapping[str, Any]) -> None:
    _validate("worst_slice", WorstSlice, bound)
    name = bound["metric"]
    _known(f"worst_slice: no metric {name!r}", name, measured.metrics(package))


def _check_drift(package: Package, bounds: Mapping[str, Any]) -> None:
    columns = measured.columns(package)
    for column, comparator in bounds.items():
        _known(f"drift: no column {column!r}", column, columns)
        _validate(f"drift.{column}", Comparator, comparator)


def _known(told: str, name: str, known: Iterable[str]) -> None:
    """Refuses a name that is not known; a foreign package, of which nothing is known, passes."""
    names = list(known)
    if names and name not in names:
        near = difflib.get_close_matches(name, names, 1)
        raise UsageError(f"{told}; " + (f"did you mean {near[0]}?" if near else ", ".join(names)))


def _validate(what: str, model: type[pydantic.BaseModel], value: Any) -> None:
    try:
        model.model_validate(value)
    except pydantic.ValidationError as error:
        problem = error.errors()[0]
        key = ".".join(str(part) for part in problem["loc"] if part != what)
        where = f"{what}.{key}" if key else what
        raise UsageError(f"{where}: {problem['msg'].removeprefix('Value error, ')}") from None
