"""A run on this machine from start to end: lock, log, steps, summary, exit code."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import time
import traceback
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import Any

from pipeline import summary as summaries
from pipeline.config import SCHEMA_FILE, Config, ConfigError
from pipeline.errors import UsageError
from pipeline.outputs import Outputs
from pipeline.run_log import captured
from pipeline.summary import State, Status, Step, Summary
from pipeline.terminal import StepDisplay, print_result


class Terminated(BaseException):
    """SIGTERM, made into an exception so that the summary is still written."""


def outputs_of(config: Config, config_dir: Path) -> Outputs:
    """The outputs of a configuration; relative paths start at the folder that holds `configs`."""
    return Outputs(project_path(config.outputs, config_dir) / config.pipeline)


def project_path(path: str, config_dir: Path) -> Path:
    """A path from the configuration as an absolute one."""
    return (config_dir.resolve().parent / path).resolve()


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
        UsageError: If the schema is not there, or a step's name is not known.
        BusyError: If another process runs this pipeline.
    """
    schema = config_dir / SCHEMA_FILE
    if not schema.is_file():
        raise ConfigError(f"There is no schema: {schema} is missing")
    outputs = outputs_of(config, config_dir)
    with outputs.lock(), _terminable():
        run_dir = outputs.new_run_dir()
        with captured(run_dir / "run.log") as terminal:
            session = _Session(config, config_dir, outputs, run_dir, first, last)
            with StepDisplay(terminal) as display:
                final = session.run(display)
            print_result(display.console, final, _shown(run_dir))
    return summaries.EXIT_CODES[final.status]


@dataclasses.dataclass
class _Session:
    """The state of one run: which steps are done, and the summary that is rewritten after each."""

    config: Config
    config_dir: Path
    outputs: Outputs
    run_dir: Path
    first: str | None
    last: str | None

    def __post_init__(self) -> None:
        self.steps: list[Step] = []
        self.started, self.clock = datetime.now().astimezone(), time.monotonic()
        self._write(Status.RUNNING)

    def run(self, display: StepDisplay) -> Summary:
        names: list[str] = []
        try:
            from pipeline.runners import local

            ir = local.compile_pipeline(self.config, self._places(), self.outputs)
            names = local.step_names(ir)
            local.run(
                ir,
                self.outputs,
                self.run_dir.name,
                first=self.first,
                last=self.last,
                on_start=display.start,
                on_end=lambda step: self._end(step, display),
            )
            status, error = None, None
        except (KeyboardInterrupt, Terminated):
            status, error = Status.INTERRUPTED, None
        except UsageError:
            self.outputs.discard_run_dir(self.run_dir)
            raise
        except Exception as exception:  # whatever a step raises: a screen for the user
            traceback.print_exc()
            status, error = _explain(exception)
        done = {step.name for step in self.steps}
        for name in names:
            if name not in done:
                self._end(Step(name=name, state=State.SKIPPED, seconds=0), display)
        return self._finish(status, error)

    def _end(self, step: Step, display: StepDisplay) -> None:
        self.steps.append(step)
        display.end(step)
        self._write(Status.RUNNING)

    def _places(self) -> Any:
        from pipeline.dag import Places

        return Places(
            data=str(project_path(self.config.data.path, self.config_dir)),
            schema=str(self.outputs.schema_copy(self.config_dir / SCHEMA_FILE)),
            serving=str(self.outputs.serving),
            checkpoints=str(self.outputs.checkpoints),
            bulk_data=str(project_path(self.config.bulk_inferrer.path, self.config_dir)),
        )

    def _finish(self, status: Status | None, error: str | None) -> Summary:
        fields: dict[str, Any] = {}
        try:
            from pipeline import results
            from pipeline.metadata import RunMetadata

            fields["versions"] = results.versions()
            found = RunMetadata(self.outputs.metadata, self.run_dir.name).outputs()
            if status is None:
                status, fields["pushed_path"] = results.verdict(found)
            fields |= results.collect(found)
        except Exception as exception:  # the summary of a run is written whatever became of it
            traceback.print_exc()
            error = error or _explain(exception)[1]
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
            arguments={"from": self.first, "to": self.last, "config_dir": str(self.config_dir)},
            config=self.config.model_dump(mode="json"),
            **fields,
        )
        summary.write(self.run_dir)
        return summary


def _explain(exception: Exception) -> tuple[Status, str]:
    """The status and the text for what a step raised; TFX passes exceptions on as they are."""
    from components.errors import DataError, ModelError

    seen: BaseException | None = exception
    while seen is not None:  # Beam wraps what its workers raise
        if isinstance(seen, DataError):
            return Status.STOPPED, str(seen)
        if isinstance(seen, ModelError):
            return Status.FAILED, str(seen)
        seen = seen.__cause__ or seen.__context__
    first_line = str(exception).strip().split("\n", maxsplit=1)[0]
    return Status.FAILED, f"{type(exception).__name__}: {first_line}\nThe whole story: run.log"


@contextlib.contextmanager
def _terminable() -> Iterator[None]:
    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise Terminated

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _shown(path: Path) -> str:
    """A path as a person in the current folder would write it."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
