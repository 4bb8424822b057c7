"""Resume the newest run where it was interrupted, stopped or failed.

Takes the configuration of that run. Finished steps are reused; a training that was killed continues
after its last epoch.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from tfxkit.errors import UsageError
from tfxkit.options import add_config_options, add_engine_option, pipeline_outputs


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options of this verb."""
    add_config_options(parser)
    add_engine_option(parser)


def run(args: argparse.Namespace) -> int:
    """Resumes; returns the exit code of the run."""
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
