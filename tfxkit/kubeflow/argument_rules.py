"""The project's own rules for the values of a run: places, spans, names of metrics and columns."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import pydantic

from tfxkit.config.bounds import Comparator, Threshold, Validation, WorstSlice
from tfxkit.config.problems import message
from tfxkit.config.remote.formats import (
    LOCATION_HINT,
    SOURCE_HINT,
    is_cloud_storage,
    is_location,
    is_source,
)
from tfxkit.config.secrets import refuse_secrets
from tfxkit.config.sections import DataConfig
from tfxkit.errors import UsageError
from tfxkit.kubeflow import measured
from tfxkit.kubeflow.package import Package
from tfxkit.metrics.catalogue import base_name

Model = TypeVar("Model", bound=pydantic.BaseModel)


def check(package: Package, target: str, name: str, value: Any) -> Any:
    """Holds a value to what the step that uses it can take.

    Args:
        package: That the value is for.
        target: `kubeflow` or `vertex`.
        name: Of the parameter; those that are not the project's own pass.
        value: Of the type that the package declares.

    Returns:
        The value, numbers in it as numbers.

    Raises:
        UsageError: If it does not hold.
    """
    path = functools.partial(_path, target, name)
    rules: dict[str, Callable[[Package, Any], Any]] = {
        "data_path": _source if measured.has_reader(package) else path,
        "serving_statistics": path,
        "spans": _spans,
        "stop_at": _stop_at,
        "thresholds": _thresholds,
        "worst_slice": _worst_slice,
        "drift": _drift,
    }
    try:
        refuse_secrets({name: value})
    except ValueError as error:
        raise UsageError(str(error)) from None
    return rules[name](package, value) if name in rules else value


def _path(target: str, name: str, package: Package, path: str) -> str:
    del package
    if target == "vertex" and not is_cloud_storage(path):
        raise UsageError(f"{name}: {path!r} is not on Cloud Storage: Vertex reads gs:// only")
    if not is_location(path):
        raise UsageError(f"{name}: {path!r} does not exist inside the containers: {LOCATION_HINT}")
    return path


def _source(package: Package, path: str) -> str:
    del package
    if not is_source(path):
        raise UsageError(f"data_path: {path!r} does not exist inside the containers: {SOURCE_HINT}")
    return path


def _spans(package: Package, spans: str) -> str:
    del package
    return _validated("spans", DataConfig, {"path": ".", "spans": spans}).spans


def _stop_at(package: Package, stop_at: str) -> str:
    del package
    return _validated("stop_at", Validation, {"stop_at": stop_at}).stop_at


def _thresholds(package: Package, thresholds: Mapping[str, Any]) -> dict[str, Any]:
    metrics, found = measured.metrics(package), {}
    for metric, bounds in thresholds.items():
        _ensure_known(f"thresholds: no metric {metric!r}", base_name(str(metric)), metrics)
        threshold = _validated(f"thresholds.{metric}", Threshold, bounds)
        if metrics and threshold.max_worsening is not None:
            measured.check_direction(package, metric, f"thresholds.{metric}")
        found[metric] = _dumped(threshold)
    return found


def _worst_slice(package: Package, bound: Mapping[str, Any]) -> dict[str, Any]:
    found = _validated("worst_slice", WorstSlice, bound)
    name = found.metric
    known = measured.metrics(package)
    _ensure_known(f"worst_slice: no metric {name!r}", base_name(name), known)
    if known and found.max_worsening is not None:
        measured.check_direction(package, name, "worst_slice")
    return _dumped(found)


def _drift(package: Package, bounds: Mapping[str, Any]) -> dict[str, Any]:
    columns, found = measured.columns(package), {}
    for column, comparator in bounds.items():
        _ensure_known(f"drift: no column {column!r}", column, columns)
        found[column] = _dumped(_validated(f"drift.{column}", Comparator, comparator))
    return found


def _dumped(model: pydantic.BaseModel) -> dict[str, Any]:
    return model.model_dump(mode="json", exclude_none=True)


def _ensure_known(told: str, name: str, known: Iterable[str]) -> None:
    """Refuses a name that is not known; of a foreign package nothing is known, so all pass."""
    names = list(known)
    if names and name not in names:
        near = difflib.get_close_matches(str(name), names, 1)  # YAML has keys that are no texts
        raise UsageError(f"{told}; " + (f"did you mean {near[0]}?" if near else ", ".join(names)))


def _validated(what: str, model: type[Model], value: Any) -> Model:
    try:
        return model.model_validate(value)
    except pydantic.ValidationError as error:
        problem = error.errors()[0]
        key = ".".join(str(part) for part in problem["loc"] if part != what)
        where = f"{what}.{key}" if key else what
        raise UsageError(f"{where}: {message(problem)}") from None
