"""Submission of a compiled package: checks, arguments, and the request to the backend's client.

Arguments of a run replace a package's defaults, and are checked before anything is sent: a step
finds a wrong value only after minutes or hours of computing. Metrics and columns to check against
are read from the package, which takes no time and no TFX.
"""

from __future__ import annotations

import dataclasses
import datetime
import difflib
import functools
import graphlib
import importlib
import json
import math
import re
import tempfile
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pydantic
import yaml
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from tfxkit.config.data import DataConfig
from tfxkit.config.dataset import Comparator, Evaluation, Threshold, Validation, WorstSlice
from tfxkit.config.formats import (
    LOCATION_HINT,
    SOURCE_HINT,
    is_cloud_storage,
    is_location,
    is_source,
)
from tfxkit.config.frozen import problem_message
from tfxkit.config.loading import Config
from tfxkit.config.secrets import refuse_secrets
from tfxkit.errors import UsageError
from tfxkit.evaluation import COUNTS, PAIRED
from tfxkit.kubeflow.checks import ensure_fit, structure
from tfxkit.kubeflow.container import SCHEMA_VARIABLE, decode_schema
from tfxkit.kubeflow.package import (
    ROOT,
    Package,
    PackageView,
    parse_spec,
    view_package,
    write_package,
)
from tfxkit.kubeflow.parameters import declared_parameters
from tfxkit.kubeflow.remote_run import RemoteRun, RemoteSchedule, Request
from tfxkit.kubeflow.schedule import Schedule
from tfxkit.metrics import catalogue

_SUBMISSION_LENGTH = 12
_EXAMPLES = ("registry.example.com/", "/my-project/", "gs://my-bucket", "s3://my-bucket")
_CHECKPOINTS = re.compile(r'"checkpoint_dir": "(.*?)"')  # in the settings of Tuner and Trainer
_PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "STRING": (str,),
    "NUMBER_INTEGER": (int,),
    "NUMBER_DOUBLE": (int, float),
    "BOOLEAN": (bool,),
    "LIST": (list,),
    "STRUCT": (dict,),
}

Model = TypeVar("Model", bound=pydantic.BaseModel)


@dataclasses.dataclass(frozen=True)
class RunOptions:
    """Options of one run.

    Attributes:
        values: Texts by name of parameter, see `resolve_arguments`.
        thresholds: `METRIC.KEY=NUMBER` texts.
        name: Name of the run, or of the schedule; pipeline and time if it is None.
        experiment: The experiment of the run, in place of the configuration's.
        schedule: Times of a recurring start; None for one start, now.
    """

    values: Mapping[str, str] = dataclasses.field(default_factory=dict)
    thresholds: Sequence[str] = ()
    name: str | None = None
    experiment: str | None = None
    schedule: Schedule | None = None


def submit(
    package: Package, target: str, config: Config, options: RunOptions
) -> RemoteRun | RemoteSchedule:
    """Checks package and options, then passes them to the backend's official client.

    Args:
        package: The compiled pipeline.
        target: A module of `tfxkit.kubeflow.clients`.
        config: Has the address of the backend.
        options: The options of this run.

    Raises:
        UsageError: If package or options are wrong, the backend is unreachable or refuses, or the
            outcome of the request is unknown.
    """
    supplied = {*options.values, *(["thresholds"] if options.thresholds else [])}
    ensure_fit(package, target, "The package", supplied)
    arguments = resolve_arguments(package, target, options.values, options.thresholds)
    if examples := remaining_examples(package, target, arguments):
        raise UsageError(explain_examples(examples, target))
    client = importlib.import_module(f"tfxkit.kubeflow.clients.{target}")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "pipeline.yaml"
        write_package(package, file)
        request = Request(
            file=file,
            pipeline=package.name,
            steps=_sorted_steps(view_package(package, target)),
            root=package.spec.get("defaultPipelineRoot"),
            arguments=arguments,
            name=options.name or f"{package.name} {datetime.datetime.now():%Y-%m-%d %H:%M:%S}",
            submission=uuid.uuid4().hex[:_SUBMISSION_LENGTH],
            experiment=options.experiment,
            schedule=options.schedule,
        )
        started: RemoteRun | RemoteSchedule = client.submit(request, config)
    return started


def remaining_examples(
    package: Package, target: str, arguments: Mapping[str, Any]
) -> dict[str, str]:
    """Example values of `configs/kubeflow.yaml` or `vertex.yaml` left in a package, by their key.

    Args:
        package: A compiled pipeline.
        target: Its backend.
        arguments: The arguments of a run, in place of the package's defaults.
    """
    view = view_package(package, target)
    default = declared_parameters(package.spec).get("data_path", {}).get("defaultValue", "")
    settings = [
        (f"{target}.pipeline_root", view.spec.default_pipeline_root),
        ("data.path", arguments.get("data_path", default)),
    ]
    for task in view.tasks:
        if task.container is not None:
            settings.append((f"{target}.image", task.container.image))
        values = task.values()
        if "serving_dir" in values:
            settings.append((f"{target}.serving", values["serving_dir"].string_value))
        if "custom_config" in values:
            for folder in _CHECKPOINTS.findall(values["custom_config"].string_value):
                settings.append((f"{target}.checkpoints", folder))
    return {
        key: value
        for key, value in sorted(settings)
        if any(example in value for example in _EXAMPLES)
    }


def explain_examples(examples: Mapping[str, str], target: str) -> str:
    """Message with the keys to set, and the command that builds an image.

    Args:
        examples: From `remaining_examples`; not empty.
        target: The backend.
    """
    listed = "\n".join(f"  {key}: {value}" for key, value in examples.items())
    problem = f"These are still the examples of configs/{target}.yaml; set them there to yours:"
    image = f"{target}.image"
    build = f"Build the image and push it (make image IMAGE=NAME); {image} is its NAME."
    return "\n".join([problem, listed, *([build] if image in examples else [])])


def _sorted_steps(view: PackageView) -> tuple[str, ...]:
    """The steps, each after those that it waits for."""
    waits_for = {
        task.name: structure.upstream(task) for task in view.tasks if task.dag.name == ROOT
    }
    return tuple(graphlib.TopologicalSorter(waits_for).static_order())


def resolve_arguments(
    package: Package,
    target: str,
    values: Mapping[str, str],
    thresholds: Sequence[str] = (),
) -> dict[str, Any]:
    """Makes the arguments of a run from the texts of a command line.

    Args:
        package: Declares the parameters.
        target: `kubeflow` or `vertex`.
        values: Texts by name of parameter; YAML, except for parameters that are texts.
        thresholds: `METRIC.KEY=NUMBER` texts, laid over the package's default of `thresholds`.

    Returns:
        The arguments that differ from the defaults, by name.

    Raises:
        UsageError: If a parameter does not exist, or the pipeline does not accept a value.
    """
    declared = declared_parameters(package.spec)
    arguments: dict[str, Any] = {}
    for name, text in values.items():
        arguments[name] = _parse(name, text, _declaration(declared, name))
    if thresholds:
        default = _declaration(declared, "thresholds").get("defaultValue") or {}
        arguments["thresholds"] = _merge(arguments.get("thresholds", default), thresholds)
    return {name: _check(package, target, name, value) for name, value in arguments.items()}


def measured_metrics(package: Package) -> list[str]:
    """Metrics that the Evaluator computes; none in a package without that step."""
    config = _json_parameter(package, "Evaluator", "eval_config")
    names = [
        json.loads(metric.get("config") or "{}").get("name")
        for spec in config.get("metrics_specs", config.get("metricsSpecs", []))
        for metric in spec.get("metrics", [])
    ]
    return [n for n in names if n and n not in COUNTS and not n.startswith(PAIRED)]


def schema_columns(package: Package) -> list[str]:
    """Columns of the schema in the package; none in a package without a schema."""
    _, deployment = parse_spec(package.spec)
    for executor in deployment.executors.values():
        for variable in executor.container.env:
            if variable.name == SCHEMA_VARIABLE:
                text = decode_schema(variable.value).decode()
                schema = text_format.Parse(text, schema_pb2.Schema())
                return [feature.name for feature in schema.feature]
    return []


def _declaration(declared: Mapping[str, dict[str, Any]], name: str) -> dict[str, Any]:
    if name in declared:
        return declared[name]
    near = difflib.get_close_matches(name, declared, 1)
    listed = ", ".join(sorted(declared)) or "none"
    hint = f"did you mean {near[0]}?" if near else f"it has: {listed}"
    raise UsageError(
        f"The package has no parameter {name!r}; {hint} (worst_slice and drift are parameters only "
        "of a package that was compiled with thresholds for them)"
    )


def _parse(name: str, text: str, declaration: Mapping[str, Any]) -> Any:
    parameter_type = declaration.get("parameterType", "STRING")
    if parameter_type == "STRING":
        return text
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UsageError(f"{name}: {text!r} is not valid YAML: {error}") from None
    fitting = isinstance(value, _PYTHON_TYPES.get(parameter_type, ()))
    if not fitting or (isinstance(value, bool) and parameter_type != "BOOLEAN"):
        raise UsageError(f"{name}: {text!r} is no {parameter_type}, the type in the package")
    return value


def _merge(default: Mapping[str, Any], settings: Sequence[str]) -> dict[str, Any]:
    """Lays `METRIC.KEY=NUMBER` texts over thresholds; null removes a threshold."""
    merged = {}
    for metric, threshold in default.items():
        if not isinstance(threshold, Mapping):
            raise UsageError(
                f"thresholds.{metric}: {threshold!r} is no mapping such as {{min: 0.9}}"
            )
        merged[metric] = dict(threshold)
    for setting in settings:
        path, equals, text = setting.partition("=")
        metric, dot, key = path.rpartition(".")
        if not (equals and dot and metric) or key not in Threshold.model_fields:
            raise UsageError(
                f"--threshold {setting}: write it as METRIC.KEY=NUMBER, such as auc.min=0.9; "
                f"keys are {', '.join(Threshold.model_fields)}"
            )
        merged.setdefault(metric, {})[key] = None if text == "null" else _number(setting, text)
    return {
        metric: kept
        for metric, threshold in merged.items()
        if (kept := {key: value for key, value in threshold.items() if value is not None})
    }


def _number(setting: str, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise UsageError(f"--threshold {setting}: {text!r} is no number")
    return number


# The project's own rules.


def _check(package: Package, target: str, name: str, value: Any) -> Any:
    """Checks a value by the rule of the step that uses it; foreign parameters have none.

    Returns:
        The value, with numbers in place of their texts.
    """
    location = functools.partial(_location, target, name)
    rules: dict[str, Callable[[Package, Any], Any]] = {
        "data_path": _source if _has_reader(package) else location,
        "serving_statistics": location,
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


def _location(target: str, name: str, package: Package, path: str) -> str:
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
    metrics, checked = measured_metrics(package), {}
    for metric, settings in thresholds.items():
        _ensure_known(
            f"thresholds: no metric {metric!r}", catalogue.base_name(str(metric)), metrics
        )
        threshold = _validated(f"thresholds.{metric}", Threshold, settings)
        if metrics and threshold.max_worsening is not None:
            _check_direction(package, metric, f"thresholds.{metric}")
        checked[metric] = _dumped(threshold)
    return checked


def _worst_slice(package: Package, settings: Mapping[str, Any]) -> dict[str, Any]:
    worst_slice = _validated("worst_slice", WorstSlice, settings)
    metric, metrics = worst_slice.metric, measured_metrics(package)
    _ensure_known(f"worst_slice: no metric {metric!r}", catalogue.base_name(metric), metrics)
    if metrics and worst_slice.max_worsening is not None:
        _check_direction(package, metric, "worst_slice")
    return _dumped(worst_slice)


def _drift(package: Package, comparators: Mapping[str, Any]) -> dict[str, Any]:
    columns, checked = schema_columns(package), {}
    for column, comparator in comparators.items():
        _ensure_known(f"drift: no column {column!r}", column, columns)
        checked[column] = _dumped(_validated(f"drift.{column}", Comparator, comparator))
    return checked


def _check_direction(package: Package, metric: str, where: str) -> None:
    """Refuses `max_worsening` for a metric that is best near a number, or of unknown direction."""
    evaluation = Evaluation.model_validate(_json_parameter(package, "Evaluator", "evaluation"))
    try:
        catalogue.check_direction(evaluation, metric, where)
    except ValueError as error:
        raise UsageError(str(error)) from None


def _ensure_known(problem: str, name: str, known: Iterable[str]) -> None:
    """Refuses an unknown name; a foreign package has no known names, so all pass."""
    names = list(known)
    if names and name not in names:
        near = difflib.get_close_matches(str(name), names, 1)  # a key in YAML may be no text
        hint = f"did you mean {near[0]}?" if near else ", ".join(names)
        raise UsageError(f"{problem}; {hint}")


def _validated(subject: str, model: type[Model], value: Any) -> Model:
    try:
        return model.model_validate(value)
    except pydantic.ValidationError as error:
        problem = error.errors()[0]
        key = ".".join(str(part) for part in problem["loc"] if part != subject)
        where = f"{subject}.{key}" if key else subject
        raise UsageError(f"{where}: {problem_message(problem)}") from None


def _dumped(model: pydantic.BaseModel) -> dict[str, Any]:
    return model.model_dump(mode="json", exclude_none=True)


def _has_reader(package: Package) -> bool:
    """True if ExampleGen has a reader of the project, and no folder of files."""
    try:
        # A Struct in an Any in TFX's CustomConfig; other packages may hold other settings.
        config = _json_parameter(package, "ExampleGen", "custom_config")["custom_config"]
        return bool(config["value"]["reader"])
    except (LookupError, TypeError):
        return False


def _json_parameter(package: Package, step: str, parameter: str) -> dict[str, Any]:
    """A parameter of a step; empty in a package without it, or that was edited by hand."""
    spec, _ = parse_spec(package.spec)
    task = spec.root.dag.tasks[step]  # a missing step is created, empty
    text = task.inputs.parameters[parameter].runtime_value.constant.string_value
    try:
        return json.loads(text or "{}")
    except ValueError:
        return {}
