"""Subcommands that run the pipeline on this machine: `run` and `resume`."""

from __future__ import annotations

import argparse
from pathlib import Path

from tfxkit.commands import (
    Subcommand,
    add_config_options,
    add_engine_option,
    config_selection,
    pipeline_outputs,
)
from tfxkit.errors import UsageError


def _add_run_arguments(parser: argparse.ArgumentParser) -> None:
    add_config_options(parser)
    add_engine_option(parser)
    parser.add_argument("--from", metavar="STEP", dest="first", help="start at this step")
    parser.add_argument("--to", metavar="STEP", dest="last", help="end with this step")
    parser.add_argument("--no-cache", action="store_true", help="run every step anew")


def run_pipeline(args: argparse.Namespace) -> int:
    """Runs the pipeline; returns the exit code of the run."""
    from tfxkit.execution import execute

    selection = config_selection(args)
    config = selection.load()
    if args.no_cache:
        config = config.model_copy(update={"cache": False})
    from tfxkit.runs.outputs import Outputs

    outputs = Outputs.of(selection, config)
    return execute(config, selection.folder(), outputs, first=args.first, last=args.last)


_RESUME = """\
Resume the newest run where it was interrupted, stopped or failed.

Takes the configuration of that run. Finished steps are reused; a training that was killed continues
after its last epoch.
"""


def _add_resume_arguments(parser: argparse.ArgumentParser) -> None:
    add_config_options(parser)
    add_engine_option(parser)


def resume_run(args: argparse.Namespace) -> int:
    """Resumes the newest run; returns the exit code of the run."""
    from pydantic import ValidationError

    from tfxkit.config.frozen import explain
    from tfxkit.config.loading import config_class
    from tfxkit.execution import execute
    from tfxkit.runs.outcome import label_of
    from tfxkit.runs.summary import ENDED, LIBRARY, find_run

    outputs = pipeline_outputs(args)
    last = find_run(outputs, "latest")
    if last.status in ENDED:
        label = label_of(outputs, last)
        print(f"The newest run, {last.run_id}, came to its end ({label}): nothing to resume.")
        return 0
    if LIBRARY not in last.versions:
        raise UsageError(
            f"Run {last.run_id} was begun by version 0.1, whose runs cannot be resumed. "
            f"Start a new one: {outputs.command('run')}"
        )
    print(f"Resuming run {last.run_id} ({label_of(outputs, last)}).")
    try:
        beam = {**last.config.get("beam", {}), **({"engine": args.engine} if args.engine else {})}
        config = config_class().model_validate({**last.config, "cache": True, "beam": beam})
    except ValidationError as error:
        problems = "\n".join(f"  {explain(problem, config_class())}" for problem in error.errors())
        raise UsageError(
            f"The configuration of that run is no longer valid; use run instead.\n{problems}"
        ) from None
    arguments = last.arguments
    return execute(
        config,
        Path(arguments["config_dir"]),
        outputs,
        first=arguments["from"],
        last=arguments["to"],
    )


SUBCOMMANDS = (
    Subcommand(
        "run",
        "Run the pipeline, from the data to a pushed model.",
        _add_run_arguments,
        run_pipeline,
    ),
    Subcommand("resume", _RESUME, _add_resume_arguments, resume_run),
)
