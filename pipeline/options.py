"""The options that several verbs share: which configuration, which run."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.engine import Engine
from tfxkit.errors import UsageError

KILLED = "killed"

if TYPE_CHECKING:
    from pipeline.config import Config
    from pipeline.outputs import Outputs
    from pipeline.summary import Summary


def add_config_options(parser: argparse.ArgumentParser, default: str = "local") -> None:
    """Adds --config, --set and --config-dir.

    Args:
        parser: Of a verb.
        default: What --config says if it is not given, for the help text.
    """
    parser.add_argument(
        "--config",
        action="append",
        metavar="NAME",
        help=f"overlay configs/NAME.yaml on base.yaml; may be given again (default: {default})",
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="A.B=VALUE",
        dest="settings",
        help="set one value, over all files; may be given again",
    )
    parser.add_argument(
        "--config-dir",
        type=Path,
        metavar="FOLDER",
        help="the folder of configurations (default: configs)",
    )


def add_engine_option(parser: argparse.ArgumentParser) -> None:
    """Adds --engine, which `load_config` heeds."""
    parser.add_argument(
        "--engine",
        choices=[engine.value for engine in Engine],
        help="what spreads the work of the data steps (beam.engine in the configuration)",
    )


def engine_settings(args: argparse.Namespace) -> list[str]:
    """What --engine comes to, as a text for --set."""
    return [f"beam.engine={args.engine}"] if getattr(args, "engine", None) else []


def add_serving_option(parser: argparse.ArgumentParser) -> None:
    """Adds --serving."""
    parser.add_argument(
        "--serving",
        metavar="FOLDER",
        help="the folder of versions, if not that of runs here; may be an s3:// or gs:// address",
    )


def config_dir_of(args: argparse.Namespace) -> Path:
    """The folder of configurations that was asked for.

    Raises:
        UsageError: If there is no such folder.
    """
    from pipeline import config

    folder = args.config_dir or config.default_config_dir()
    if not folder.is_dir():
        raise UsageError(f"There is no folder {folder}: say where yours is with --config-dir")
    return folder


def config_class() -> type[Config]:
    """The configuration with all sections that there are: a backend's go when its folder goes."""
    from pipeline.config import Config

    # >>> cluster
    try:
        from pipeline.kubeflow.settings import RemoteConfig
    except ModuleNotFoundError as error:
        if error.name not in ("pipeline.kubeflow", "pipeline.kubeflow.settings"):
            raise
    else:
        return RemoteConfig
    # <<< cluster
    return Config


def load_config(args: argparse.Namespace, default: str = "local") -> Config:
    """The configuration that was asked for.

    Args:
        args: As `add_config_options` has them parsed.
        default: The overlay if none was asked for.

    Raises:
        ConfigError: If it does not hold.
    """
    from pipeline import config

    overlays = args.config or [default]
    settings = [*args.settings, *engine_settings(args)]
    return config.load(config_dir_of(args), overlays, settings, config_class())


def load_outputs(args: argparse.Namespace) -> Outputs:
    """The outputs folder of the configuration that was asked for."""
    from pipeline.local_run import outputs_of

    return outputs_of(load_config(args), config_dir_of(args))


def shown_status(outputs: Outputs, summary: Summary) -> str:
    """The status of a run; `killed` if it says that it is running, but nothing is."""
    if summary.status == "running" and not outputs.is_running():
        return KILLED
    return summary.status


def find_run(outputs: Outputs, name: str) -> Summary:
    """The summary of a run.

    Args:
        outputs: The pipeline's outputs.
        name: A run id, the beginning of one, or `latest`.

    Raises:
        UsageError: If no run, or more than one, has such a name.
    """
    from pipeline import summary

    history = summary.history(outputs.runs)
    if not history:
        raise UsageError(f"There are no runs in {outputs.runs} yet: python -m pipeline run")
    if name == "latest":
        # By the link: names are times, and clocks are set back.
        wanted = (outputs.runs / "latest").resolve().name
        found = [run for run in history if run.run_id == wanted]
        if not found:
            raise UsageError(
                f"The summary of the newest run, {wanted}, cannot be read. What that run finished "
                "is kept: python -m pipeline run"
            )
        return found[0]
    found = [run for run in history if run.run_id == name]
    found = found or [run for run in history if run.run_id.startswith(name)]
    if len(found) != 1:
        word = "No run" if not found else "More than one run"
        ids = ", ".join(run.run_id for run in (found or history)[-5:])
        raise UsageError(f"{word} is called {name!r}; there are: {ids}")
    return found[0]
