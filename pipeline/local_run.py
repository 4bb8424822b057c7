"""A run on this machine from start to end: checks, lock, log, screen, exit code."""

from __future__ import annotations

import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

from pipeline import metadata_file, validation
from pipeline.config import Config, project_path
from pipeline.interruption import Interruption
from pipeline.outputs import Outputs
from pipeline.run_log import captured, log_traceback
from pipeline.session import Session
from pipeline.summary import EXIT_CODES
from pipeline.terminal import StepDisplay, print_result


def outputs_of(config: Config, config_dir: Path) -> Outputs:
    """The outputs of a configuration."""
    return Outputs(Path(project_path(config.outputs, config_dir)) / config.pipeline)


def execute(
    config: Config, config_dir: Path, *, first: str | None = None, last: str | None = None
) -> int:
    """Runs the pipeline and tells the user how it went.

    Args:
        config: What to run.
        config_dir: Where it came from; the schema lies there.
        first: The first step to run, if not all.
        last: The last step to run, if not all.

    Returns:
        The exit code of the process.

    Raises:
        UsageError: If the configuration does not fit schema or disk, a step is not known, or the
            outputs cannot be written.
        BusyError: If another process runs this pipeline.
    """
    config_dir = config_dir.resolve()
    validation.check(config, config_dir)
    outputs = outputs_of(config, config_dir)
    interruption = Interruption()
    with outputs.lock(), interruption.watched():
        if told := metadata_file.make_usable(outputs.metadata):
            sys.stderr.write(f"{told}\n")
        before, run_dir = outputs.latest(), outputs.new_run_dir()
        with captured(run_dir / "run.log") as terminal:
            session = Session(
                config, config_dir, outputs, run_dir, before, first, last, interruption
            )
            with StepDisplay(terminal) as display:
                final = session.run(display)
            print_result(display.console, final, _shown(run_dir))
            _write_report(display.console, run_dir, outputs)
    return EXIT_CODES[final.status]


def _write_report(console: Console, run_dir: Path, outputs: Outputs) -> None:
    """Whatever is wrong with the page, the run has ended as it has."""
    try:
        from pipeline.report import writing

        file = writing.write(run_dir, outputs)
    except (Exception, KeyboardInterrupt) as error:  # a second Ctrl-C is for the page alone
        log_traceback()
        reason = f"{type(error).__name__}: {error}".partition("\n")[0].rstrip(": ")
        console.print(Text(f"No report could be written: {reason}", "yellow"), soft_wrap=True)
    else:
        console.print(Text(f"Report: {_shown(file)}", "dim"), soft_wrap=True)


def _shown(path: Path) -> str:
    """A path as a person in the current folder would write it."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
