"""From `configs/` to one frozen, typed object; starts without TensorFlow.

A configuration is `base.yaml`, then each selected overlay, then `--set a.b=c`, merged key
by key. The description of the data, `dataset.yaml`, is part of it under the key `dataset`, so an
overlay can change a threshold there as well. Unknown keys are refused.
"""

from __future__ import annotations

import difflib
import functools
import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Self

import pydantic
import yaml

from tfxkit.config.data import DataConfig
from tfxkit.config.dataset import Dataset
from tfxkit.config.engines import BeamConfig
from tfxkit.config.formats import PipelineName
from tfxkit.config.frozen import Frozen, explain, merge
from tfxkit.config.ingest import IngestConfig
from tfxkit.config.remote import KubeflowSettings, VertexSettings
from tfxkit.config.secrets import refuse_secret_keys, refuse_secrets
from tfxkit.config.selection import ConfigSelection
from tfxkit.config.settings import ModelSettings, TrainSettings
from tfxkit.errors import UsageError
from tfxkit.project import project_root

__all__ = ["Config", "ConfigError", "load"]

BASE = "base"
DATASET = "dataset"
SCHEMA_FILE = "schema.pbtxt"
_OPTIONAL = ("ingest", "kubeflow", "vertex")  # sections that are shown only if they are there

# Settings of the project's own steps, found by name as TFX finds a `run_fn`.
STEPS_MODULE = "pipeline.steps"
_STEPS = "Settings of the project's own steps, see pipeline/steps.py."


class TunerConfig(Frozen):
    """Search for hyperparameters, on a part of the training rows."""

    enabled: bool = False
    trials: Annotated[int, pydantic.Field(ge=1)] = 10
    epochs: Annotated[int, pydantic.Field(ge=1)] = 10


class BulkInferConfig(Frozen):
    """Predictions for a folder of unlabelled data with the new model, once it is approved."""

    enabled: bool = False
    path: str = pydantic.Field(
        default="", description="Folder of `span-<number>` folders to predict."
    )

    @pydantic.model_validator(mode="after")
    def _needs_a_path(self) -> Self:
        if self.enabled and not self.path:
            raise ValueError("enabled needs a path")
        return self


class RetentionConfig(Frozen):
    """Number of runs and models that `clean --keep` leaves by default; null for all."""

    runs: Annotated[int, pydantic.Field(ge=1)] | None = pydantic.Field(
        default=None, description="The newest runs, with their artifacts."
    )
    pushed_models: Annotated[int, pydantic.Field(ge=1)] | None = pydantic.Field(
        default=None, description="The newest pushed versions, with all that they came from."
    )


class ServingCheckConfig(Frozen):
    """Limits that the exported model must meet before it is pushed."""

    examples: Annotated[int, pydantic.Field(ge=1)] = 64
    timeout_s: Annotated[int, pydantic.Field(ge=1)] = pydantic.Field(
        default=120, description="No answer until then fails the step; it is no verdict."
    )
    memory_mb: Annotated[int, pydantic.Field(ge=1)] = 4096
    latency_ms: Annotated[float, pydantic.Field(gt=0)] = pydantic.Field(
        default=1000, description="For one example, the fastest of several requests."
    )
    size_mb: Annotated[float, pydantic.Field(gt=0)] = pydantic.Field(
        default=2048, description="Of the exported model, all its files together."
    )


class ConfigError(UsageError):
    """An invalid configuration; the message has problem, place and action."""


class Config(Frozen):
    """Everything that a user sets, as `config show` prints it."""

    pipeline: PipelineName
    outputs: str = pydantic.Field(
        default="outputs", description="Folder for all that runs leave behind."
    )
    cache: bool = pydantic.Field(
        default=True, description="Reuse a step whose inputs have not changed."
    )
    dag: Annotated[str, pydantic.Field(pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$")] = (
        pydantic.Field(
            default="pipeline.dag", description="The module whose create_components is the DAG."
        )
    )
    data: DataConfig
    beam: BeamConfig = BeamConfig()
    model: ModelSettings = ModelSettings()
    train: TrainSettings = TrainSettings()
    tuner: TunerConfig = TunerConfig()
    bulk_inferrer: BulkInferConfig = BulkInferConfig()
    serving_check: ServingCheckConfig = ServingCheckConfig()
    retention: RetentionConfig = RetentionConfig()
    steps: Any = pydantic.Field(default=Frozen(), description=_STEPS)  # see `config_class`
    dataset: Dataset
    ingest: IngestConfig | None = None
    kubeflow: KubeflowSettings | None = None
    vertex: VertexSettings | None = None

    @pydantic.model_validator(mode="before")
    @classmethod
    def _no_secrets(cls, tree: Any) -> Any:
        return refuse_secrets(tree)  # before another problem can show the value

    @pydantic.field_validator("steps", mode="before")
    @classmethod
    def _no_secret_keys(cls, tree: Any) -> Any:
        return refuse_secret_keys(tree)

    @pydantic.model_serializer(mode="wrap")
    def _without_absent_sections(self, dump: pydantic.SerializerFunctionWrapHandler) -> Any:
        tree: dict[str, Any] = dump(self)
        return {
            key: value for key, value in tree.items() if value is not None or key not in _OPTIONAL
        }

    def to_yaml(self) -> str:
        """YAML that loads back to an equal configuration."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


def default_config_dir() -> Path:
    """`configs` in the current folder, else in the project whose code runs."""
    here = Path.cwd() / "configs"
    return here if here.is_dir() else project_root() / "configs"


def project_path(path: str, config_dir: Path) -> str:
    """Absolute path for a path in the configuration, relative to the folder that holds `configs`.

    `~` is the user's home; addresses like gs:// stay as they are.
    """
    if "://" in path:
        return path
    return str((config_dir.resolve().parent / Path(path).expanduser()).resolve())


def data_path(config: Config, config_dir: Path) -> str:
    """`data.path` for a run on this machine.

    A reader may take a file, which becomes an absolute path, or another text, such as the name of
    a table, which stays as it is.
    """
    path = project_path(config.data.path, config_dir)
    return config.data.path if config.data.reader and not Path(path).exists() else path


def config_class() -> type[Config]:
    """`Config`, with `steps` as the class `Steps` of `pipeline/steps.py` describes it.

    Raises:
        ConfigError: If there is no such module, or no such class in it.
    """
    return _with_steps(STEPS_MODULE)


@functools.cache
def _with_steps(module: str) -> type[Config]:
    try:
        steps = importlib.import_module(module).Steps
    except (AttributeError, ModuleNotFoundError) as error:
        if error.name not in (module, "Steps"):  # raised by the code of the module itself
            raise
        file = f"{module.replace('.', '/')}.py"
        raise ConfigError(
            f"{file}: there is no class Steps, which describes the settings of your own steps. "
            "Without any it is: class Steps(Frozen), with a docstring."
        ) from None
    field = (steps, pydantic.Field(default=steps(), description=_STEPS))
    return pydantic.create_model("Config", __base__=Config, __doc__=Config.__doc__, steps=field)


def load(config_dir: Path, overlays: Sequence[str] = (), settings: Sequence[str] = ()) -> Config:
    """Reads, merges and checks a configuration.

    Args:
        config_dir: The folder with `base.yaml` and `dataset.yaml`.
        overlays: Names of further files there, without `.yaml`; later ones win.
        settings: `a.b=value` texts; the value is YAML. They win over all files.

    Raises:
        ConfigError: If a file is missing or no YAML, or if a key or value is not allowed.
    """
    tree = _read_yaml(config_dir, BASE)
    tree["dataset"] = _read_yaml(config_dir, DATASET)
    origin = [f"{BASE}.yaml", f"{DATASET}.yaml"]
    trees = {name: _read_yaml(config_dir, name) for name in overlays}
    for name in overlays:
        tree = merge(tree, trees[name])
        origin.append(f"{name}.yaml")
    for setting in settings:
        tree = merge(tree, _parse_setting(setting))
        origin.append(f"--set {setting.partition('=')[0]}")  # the value may be a credential
    config = config_class()
    try:
        return config.model_validate(tree)
    except pydantic.ValidationError as error:
        where = f"{config_dir}: {', '.join(origin)}"
        lines = {
            _overlay_order(problem, config_dir, trees) or explain(problem, config): None
            for problem in error.errors()
        }
        problems = "\n".join(f"  {line}" for line in lines)
        raise ConfigError(f"The configuration is not valid ({where}):\n{problems}") from None


def _overlay_order(
    problem: Any, config_dir: Path, overlays: Mapping[str, Mapping[str, Any]]
) -> str | None:
    """The right order of overlays, if one changes a section whose own overlay is not applied."""
    section = problem["loc"][0] if problem["loc"] else None
    if (
        problem["type"] != "missing"
        or section not in _OPTIONAL
        or section in overlays
        or not (config_dir / f"{section}.yaml").exists()
    ):
        return None
    changing = [name for name, tree in overlays.items() if section in tree]
    if not changing:
        return None
    order = list(overlays)
    order.insert(order.index(changing[0]), section)
    options = " ".join(f"--config {name}" for name in order)
    return f"{changing[0]}.yaml changes the section {section}. Apply it after {section}: {options}"


def _read_yaml(config_dir: Path, name: str) -> dict[str, Any]:
    path = config_dir / f"{name}.yaml"
    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        names = sorted(file.stem for file in config_dir.glob("*.yaml"))
        near = difflib.get_close_matches(name, names, 1)
        hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(names) or 'none'}"
        if name in (BASE, DATASET):
            answers = config_dir / "init.txt"  # in a project that was generated for a data set
            arguments = [f"@{answers}"] if answers.exists() else ["--data", "FILE.csv"]
            own = None if config_dir == default_config_dir() else config_dir
            hint = f"{ConfigSelection(config_dir=own).command('init', *arguments)} writes it"
        raise ConfigError(f"No configuration {name!r} in {config_dir}; {hint}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid YAML:\n  {error}") from None
    if tree is None:
        return {}
    if not isinstance(tree, dict):
        raise ConfigError(f"{path} must hold keys and values, not a {type(tree).__name__}")
    return tree


def _parse_setting(setting: str) -> dict[str, Any]:
    path, equals, text = setting.partition("=")
    if not equals or not all(path.split(".")):
        raise ConfigError(f"--set {setting}: write it as KEY.KEY=VALUE")
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"--set {setting}: the value is not valid YAML: {error}") from None
    for key in reversed(path.split(".")):
        value = {key: value}
    return value
