"""One run: its steps, one after the other, and the summary that is rewritten after each."""

from __future__ import annotations

import dataclasses
import os
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from tfxkit import __version__
from tfxkit.config.loading import SCHEMA_FILE, Config, data_path, project_path
from tfxkit.errors import UsageError
from tfxkit.project import project_root
from tfxkit.runs import summary as summaries
from tfxkit.runs.commit import commit_of
from tfxkit.runs.interruption import Interruption
from tfxkit.runs.outcome import explain
from tfxkit.runs.outputs import LOG_FILE, Outputs
from tfxkit.runs.places import Places
from tfxkit.runs.run_log import log_traceback
from tfxkit.runs.summary import State, Status, Step, Summary
from tfxkit.runs.terminal import StepDisplay


@dataclasses.dataclass
class Session:
    """The state of one run.

    Attributes:
        config: What to run.
        config_dir: Where it came from.
        outputs: Where everything goes.
        run_dir: The folder of this run.
        before: The id of the run that began before this one, if there is one.
        first: The first step to run, if not the first of all.
        last: The last step to run, if not the last of all.
        interruption: Knows whether the user wants it to stop.
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
        """Starts the clock, and the summary."""
        self.steps: list[Step] = []
        self.started, self.clock = datetime.now().astimezone(), time.monotonic()
        self.commit = commit_of(project_root())
        self._write(Status.RUNNING)

    def run(self, display: StepDisplay) -> Summary:
        """Runs the steps and returns the final summary, whatever they raise.

        Raises:
            UsageError: If what was asked for cannot be; no run is left behind then.
            KeyboardInterrupt: If a signal came before the steps were known, as while TFX was
                imported; no run is left behind then, either.
        """
        planned: dict[str, tuple[str, ...]] = {}  # step -> those that it waits for
        status, error = None, None
        try:
            ir = self._compile()
            nodes = [node.pipeline_node for node in ir.nodes]
            planned = {node.node_info.id: tuple(node.upstream_nodes) for node in nodes}
            self._run_steps(ir, display)
        except UsageError:
            self.outputs.discard_run_dir(self.run_dir, self.before)
            raise
        except KeyboardInterrupt:
            status = Status.INTERRUPTED
        except Exception as exception:  # whatever a step raises: a screen for the user
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

    def _run_steps(self, ir: Any, display: StepDisplay) -> None:
        from tfxkit.runs import runner

        run_id = self.run_dir.name

        def start(name: str) -> None:
            # A library may swallow what a signal raised, such as in a destructor.
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
            found = RunMetadata(self.outputs.metadata, self.run_dir.name).outputs()
            done = {step.name for step in self.steps if step.state in (State.RUN, State.CACHED)}
            fields |= results.collect(
                {name: found[name] for name in found if name in done},
                unfinished={step.name for step in self.steps} - done,
            )
            status = status or results.verdict(fields)
        except Exception as exception:  # the summary of a run is written whatever became of it
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
            exit_code=summaries.EXIT_CODES.get(status),
            started=self.started.isoformat(timespec="seconds"),
            seconds=round(time.monotonic() - self.clock, 3),
            pid=os.getpid(),
            steps=tuple(self.steps),
            commit=self.commit,
            arguments={"from": self.first, "to": self.last, "config_dir": str(self.config_dir)},
            config=self.config.model_dump(mode="json"),
            **{"versions": {summaries.LIBRARY: __version__}, **fields},
        )
        try:
            summary.write(self.run_dir)
        except OSError:  # a full disk must not keep the last word from the user
            log_traceback()
        return summary
