"""One run on this machine from start to end: checks, lock, log, steps, summary and exit code."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from tfxkit import __version__
from tfxkit.config.loading import SCHEMA_FILE, Config, data_path, project_path
from tfxkit.errors import UsageError
from tfxkit.project import project_root
from tfxkit.runs import validation
from tfxkit.runs.interruption import Interruption
from tfxkit.runs.outcome import explain
from tfxkit.runs.outputs import LOG_FILE, Outputs, prepare_metadata, shown
from tfxkit.runs.places import Places
from tfxkit.runs.run_log import captured, log_traceback
from tfxkit.runs.summary import EXIT_CODES, LIBRARY, State, Status, Step, Summary
from tfxkit.runs.terminal import StepDisplay, print_result

_GIT_TIMEOUT_S = 10


def execute(
    config: Config,
    config_dir: Path,
    outputs: Outputs,
    *,
    first: str | None = None,
    last: str | None = None,
) -> int:
    """Runs the pipeline, shows its progress and its outcome.

    Args:
        config: The configuration of the run.
        config_dir: The folder that it came from; the schema lies there.
        outputs: Of the pipeline.
        first: The first step to run, if not all.
        last: The last step to run, if not all.

    Returns:
        The exit code of the process.

    Raises:
        UsageError: If the configuration does not fit schema or disk, a step does not exist, or the
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
            run = _Run(config, config_dir, outputs, run_dir, before, first, last, interruption)
            with StepDisplay(terminal) as display:
                final = run.run_steps(display)
            print_result(display.console, final, outputs)
            _write_report(display.console, final.status, run_dir, outputs)
            _fill_in_readme(display.console, final, outputs)
    return EXIT_CODES[final.status]


@dataclasses.dataclass
class _Run:
    """Steps of a run, and its summary, which is rewritten after each step.

    Attributes:
        config: The configuration of the run.
        config_dir: The folder that it came from.
        outputs: Of the pipeline.
        run_dir: The folder of this run.
        before: The id of the run that began before this one, if there is one.
        first: The first step to run, if not the pipeline's first.
        last: The last step to run, if not the pipeline's last.
        interruption: The watch for signals that end the run.
    """

    config: Config
    config_dir: Path
    outputs: Outputs
    run_dir: Path
    before: str | None
    first: str | None
    last: str | None
    interruption: Interruption

    def __post_init__(self) -> None:
        """Starts the clock, and writes the first summary."""
        self.steps: list[Step] = []
        self.started, self.clock = datetime.now().astimezone(), time.monotonic()
        self.commit = commit_of(project_root())
        self._write(Status.RUNNING)

    def run_steps(self, display: StepDisplay) -> Summary:
        """Runs the steps and returns the final summary, whatever they raise.

        Raises:
            UsageError: If the request cannot be met; the run's folder is removed.
            KeyboardInterrupt: If a signal came before the steps were known, as while TFX was
                imported; the run's folder is removed, too.
        """
        planned: dict[str, tuple[str, ...]] = {}  # step -> those that it waits for
        status, error = None, None
        try:
            ir = self._compile()
            nodes = [node.pipeline_node for node in ir.nodes]
            planned = {node.node_info.id: tuple(node.upstream_nodes) for node in nodes}
            self._execute(ir, display)
        except UsageError:
            self.outputs.discard_run_dir(self.run_dir, self.before)
            raise
        except KeyboardInterrupt:
            status = Status.INTERRUPTED
        except Exception as exception:  # whatever a step raises, the user gets a screen
            log_traceback()
            status, error = self._explain(exception)
            if self.interruption.happened:
                status, error = Status.INTERRUPTED, None
        if status is Status.INTERRUPTED and not planned:
            self.outputs.discard_run_dir(self.run_dir, self.before)
            raise KeyboardInterrupt
        done = {step.name for step in self.steps}
        for name, after in planned.items():
            if name not in done:
                self._end(Step(name=name, state=State.SKIPPED, seconds=0, after=after), display)
        return self._finish(status, error)

    def _compile(self) -> Any:
        from tfxkit.runs import runner

        places = Places(
            data=data_path(self.config, self.config_dir),
            schema=str(self.outputs.schema_copy(self.config_dir / SCHEMA_FILE)),
            serving=str(self.outputs.serving),
            checkpoints=str(self.outputs.checkpoints),
            bulk_data=self._path(self.config.bulk_inferrer.path) or "",
            serving_statistics=self._path(self.config.dataset.validation.serving_statistics),
            run_id=self.run_dir.name,
        )
        ir = runner.compile_pipeline(self.config, places, self.outputs)
        runner.select_steps(ir, self.outputs, self.first, self.last)
        return ir

    def _execute(self, ir: Any, display: StepDisplay) -> None:
        from tfxkit.runs import runner

        run_id = self.run_dir.name

        def start(name: str) -> None:
            # A library may swallow the exception of a signal, for example in a destructor.
            if self.interruption.happened:
                raise KeyboardInterrupt
            display.start(name)

        runner.run(ir, self.outputs, run_id, start, lambda step: self._end(step, display))

    def _explain(self, exception: Exception) -> tuple[Status, str]:
        return explain(exception, self.outputs, self.run_dir / LOG_FILE)

    def _end(self, step: Step, display: StepDisplay) -> None:
        if step.state is State.FAILED and self.interruption.happened:
            step = step.model_copy(update={"state": State.INTERRUPTED})
        self.steps.append(step)
        display.end(step)
        self._write(Status.RUNNING)

    def _path(self, path: str | None) -> str | None:
        return project_path(path, self.config_dir) if path else None

    def _finish(self, status: Status | None, error: str | None) -> Summary:
        fields: dict[str, Any] = {}
        try:
            from tfxkit.runs import results
            from tfxkit.runs.metadata import RunMetadata

            fields["versions"] = results.versions()
            artifacts = RunMetadata(self.outputs.metadata, self.run_dir.name).outputs()
            done = {step.name for step in self.steps if step.state in (State.RUN, State.CACHED)}
            fields |= results.collect(
                {name: artifacts[name] for name in artifacts if name in done},
                unfinished={step.name for step in self.steps} - done,
            )
            status = status or results.verdict(fields)
        except Exception as exception:  # the summary is written in any case
            log_traceback()
            # After an interruption, modules may be half imported.
            if status is not Status.INTERRUPTED:
                error = error or self._explain(exception)[1]
        return self._write(status or Status.FAILED, error=error, **fields)

    def _write(self, status: Status, **fields: Any) -> Summary:
        summary = Summary(
            run_id=self.run_dir.name,
            pipeline=self.config.pipeline,
            status=status,
            exit_code=EXIT_CODES.get(status),
            started=self.started.isoformat(timespec="seconds"),
            seconds=round(time.monotonic() - self.clock, 3),
            pid=os.getpid(),
            steps=tuple(self.steps),
            commit=self.commit,
            arguments={"from": self.first, "to": self.last, "config_dir": str(self.config_dir)},
            config=self.config.model_dump(mode="json"),
            **{"versions": {LIBRARY: __version__}, **fields},
        )
        try:
            summary.write(self.run_dir)
        except OSError:  # a full disk must not hide the outcome from the user
            log_traceback()
        return summary


def commit_of(folder: Path) -> str | None:
    """The git commit of a folder, with `+` behind it where tracked files differ from it.

    None without git or a commit, which must not fail a run.
    """
    commit = _git(folder, "rev-parse", "HEAD")
    if not commit:
        return None
    return f"{commit}+" if _git(folder, "status", "--porcelain", "--untracked-files=no") else commit


def _git(folder: Path, *arguments: str) -> str | None:
    command = ["git", "-C", str(folder), *arguments]
    try:
        result = subprocess.run(
            command, capture_output=True, text=True, check=True, timeout=_GIT_TIMEOUT_S
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return result.stdout.strip()


def _write_report(console: Console, status: Status, run_dir: Path, outputs: Outputs) -> None:
    """Writes the report; a failure gets one line, and does not change the run's outcome."""
    try:
        from tfxkit.report.page import write_report

        file = write_report(run_dir, outputs)
    except (Exception, KeyboardInterrupt) as error:  # a second Ctrl-C ends the report alone
        log_traceback()
        reason = f": {type(error).__name__}: {error}".partition("\n")[0].rstrip(": ")
        if status is Status.INTERRUPTED:  # modules may be half imported
            reason = "."
        console.print(Text(f"No report could be written{reason}", "yellow"), soft_wrap=True)
    else:
        console.print(Text(f"Report: {shown(file)}", "dim"), soft_wrap=True)


def _fill_in_readme(console: Console, summary: Summary, outputs: Outputs) -> None:
    """Describes the first model in the project's README; a failure does not change the outcome."""
    try:
        from tfxkit.report.readme import FILE, fill_in

        changed = fill_in(project_root(), summary, outputs.selection)
    except (Exception, KeyboardInterrupt):
        log_traceback()
    else:
        if changed:
            console.print(
                Text(
                    f"{FILE} now describes this model; it is written once, so edit it freely", "dim"
                ),
                soft_wrap=True,
            )
