"""One run on this machine from start to end: checks, lock, log, screen, exit code."""

from __future__ import annotations

import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

from tfxkit.config.loading import Config
from tfxkit.config.selection import ConfigSelection
from tfxkit.project import project_root
from tfxkit.runs import validation
from tfxkit.runs.interruption import Interruption
from tfxkit.runs.outputs import LOG_FILE, Outputs, prepare_metadata, shown
from tfxkit.runs.run_log import captured, log_traceback
from tfxkit.runs.session import Session
from tfxkit.runs.summary import EXIT_CODES, Status, Summary
from tfxkit.runs.terminal import StepDisplay, print_result


def execute(
    config: Config,
    config_dir: Path,
    outputs: Outputs,
    *,
    first: str | None = None,
    last: str | None = None,
) -> int:
    """Runs the pipeline and shows how it goes and how it ended.

    Args:
        config: The configuration of the run.
        config_dir: The folder that it came from; the schema lies there.
        outputs: Of the pipeline.
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
    interruption = Interruption()
    with outputs.lock(), interruption.watched():
        if damage := prepare_metadata(outputs.metadata):
            sys.stderr.write(f"{damage}\n")
        before, run_dir = outputs.latest(), outputs.new_run_dir()
        with captured(run_dir / LOG_FILE) as terminal:
            session = Session(
                config, config_dir, outputs, run_dir, before, first, last, interruption
            )
            with StepDisplay(terminal) as display:
                final = session.run(display)
            print_result(display.console, final, outputs)
            _write_report(display.console, final.status, run_dir, outputs)
            # Other values, such as those of an overlay for trials, do not make the project's model.
            if outputs.selection == ConfigSelection() and config_dir.parent == project_root():
                _fill_in_readme(display.console, final)
    return EXIT_CODES[final.status]


def _write_report(console: Console, status: Status, run_dir: Path, outputs: Outputs) -> None:
    """Writes the page; if that fails, says so, and leaves the outcome of the run alone."""
    try:
        from tfxkit.report.page import write_report

        file = write_report(run_dir, outputs)
    except (Exception, KeyboardInterrupt) as error:  # a second Ctrl-C is for the page alone
        log_traceback()
        reason = f": {type(error).__name__}: {error}".partition("\n")[0].rstrip(": ")
        if status is Status.INTERRUPTED:  # modules may be half imported
            reason = "."
        console.print(Text(f"No report could be written{reason}", "yellow"), soft_wrap=True)
    else:
        console.print(Text(f"Report: {shown(file)}", "dim"), soft_wrap=True)


def _fill_in_readme(console: Console, summary: Summary) -> None:
    """Describes the first model in the project's README; a failure leaves the outcome alone."""
    try:
        from tfxkit.report.readme import FILE, fill_in

        changed = fill_in(project_root(), summary)
    except (Exception, KeyboardInterrupt):
        log_traceback()
    else:
        if changed:
            console.print(Text(f"Described in {FILE}, once: edit it as you like", "dim"))
