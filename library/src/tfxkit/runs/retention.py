"""Retention: removes old runs and versions, and artifacts that are not ancestors of newer ones.

`plan_removal` selects, `remove` removes, in an order that leaves nothing half removed after an
interruption.
"""

from __future__ import annotations

import dataclasses
import shutil
import uuid
from collections.abc import Collection, Iterable
from pathlib import Path

from tfxkit.components.pusher.publishing import lock_folder
from tfxkit.runs import summary
from tfxkit.runs.metadata import (
    Artifact,
    Execution,
    ExecutionGraph,
    forget_artifacts,
    read_graph,
)
from tfxkit.runs.outputs import Outputs
from tfxkit.storage import served_model

_SIZE_UNITS = ("B", "kB", "MB", "GB", "TB")
_UNIT_STEP = 1000


@dataclasses.dataclass(frozen=True)
class RemovalPlan:
    """Folders and artifacts to remove.

    Attributes:
        runs: Folders of runs.
        versions: Folders of pushed versions.
        artifacts: Folders of artifacts.
        forgotten: The ids of those artifacts in ML Metadata.
    """

    runs: tuple[Path, ...]
    versions: tuple[Path, ...]
    artifacts: tuple[Path, ...]
    forgotten: tuple[int, ...]

    def __bool__(self) -> bool:
        """False if there is nothing to remove."""
        return bool(self.runs or self.versions or self.artifacts)


def plan_removal(outputs: Outputs, keep_runs: int | None, keep_versions: int | None) -> RemovalPlan:
    """Selects the runs, versions and artifacts that are old enough to be removed.

    Besides the newest, these stay: the newest run that finished, the runs that wrote the remaining
    versions, and all ancestors of those runs and versions.

    Args:
        outputs: Of a pipeline; locked.
        keep_runs: Number of newest runs that stay; None for all.
        keep_versions: Number of newest versions that stay, at least the served one; None for all.

    Raises:
        StorageError: If ML Metadata cannot be read.
    """
    complete = served_model.complete_versions(str(outputs.serving))
    leaving = complete[:-keep_versions] if keep_versions else []
    staying = {str(outputs.serving / str(v)) for v in complete if v not in leaving}
    ancestry = _Ancestry(outputs) if outputs.metadata.exists() else None
    kept = _kept_runs(outputs, keep_runs)
    if ancestry:
        kept |= ancestry.runs_of(_with_origins(staying))
    runs = {run.run_id for run in summary.history(outputs.runs)} - kept
    artifacts, forgotten = _artifacts(outputs, ancestry, kept, _with_origins(staying))
    return RemovalPlan(
        runs=tuple(outputs.runs / run for run in sorted(runs)),
        versions=tuple(outputs.serving / str(version) for version in leaving),
        artifacts=artifacts,
        forgotten=forgotten,
    )


def remove(plan: RemovalPlan, outputs: Outputs) -> None:
    """Removes what a plan lists; the pipeline's lock must be held.

    Raises:
        OSError: If something cannot be removed.
    """
    if plan.versions:
        with lock_folder(str(outputs.serving)):
            for folder in plan.versions:
                # A model server sees it whole or not at all; the next push removes leftovers.
                hidden = folder.with_name(f".{folder.name}.{uuid.uuid4().hex}")
                folder.rename(hidden)
                shutil.rmtree(hidden)
    # First forgotten, then removed: a missing folder must not count as a cached result.
    forget_artifacts(outputs.metadata, plan.forgotten)
    for folder in (*plan.artifacts, *plan.runs):
        shutil.rmtree(folder)


def total_size(folders: Iterable[Path]) -> str:
    """Total size of folders, such as `12 MB`."""
    files = (file for folder in folders for file in folder.rglob("*") if not file.is_dir())
    total = float(sum(file.lstat().st_size for file in files))
    for unit in _SIZE_UNITS:
        if total < _UNIT_STEP or unit == _SIZE_UNITS[-1]:
            break
        total /= _UNIT_STEP
    return f"{total:.0f} {unit}"


class _Ancestry:
    """Ancestors of runs and versions, over all runs."""

    def __init__(self, outputs: Outputs) -> None:
        self._graph: ExecutionGraph = read_graph(outputs.metadata)
        self._serving = outputs.serving
        self.artifacts = self._graph.artifacts.values()

    def runs_of(self, versions: Collection[str]) -> set[str]:
        """The runs that pushed some versions, and those that pushed their ancestors."""
        behind = self._executions_behind(self._pushes_of(versions))
        pushes = {
            execution.id
            for artifact in self._graph.of_type("PushedModel")
            for execution in self._graph.writers(artifact)
            if execution.id in behind
        }
        return {run for push in pushes for run in behind[push].runs}

    def needed(self, runs: Collection[str], versions: Collection[str]) -> set[int]:
        """Ids of the artifacts of some runs and versions, and of their ancestors.

        Args:
            runs: Run ids.
            versions: Paths of pushed versions.
        """
        executions = {
            execution.id: execution
            for execution in self._graph.executions
            if not set(runs).isdisjoint(execution.runs)
        }
        artifacts = [artifact for each in executions.values() for artifact in _used(each)]
        artifacts += self._pushes_of(versions)
        executions |= self._executions_behind(artifacts)
        # All outputs of an execution, since they are reused together or not at all.
        artifacts += [artifact for each in executions.values() for artifact in _used(each)]
        return {artifact.id for artifact in artifacts}

    def _pushes_of(self, versions: Collection[str]) -> list[Artifact]:
        """The artifacts that stand for the push of some versions, paths or addresses."""
        return [
            artifact
            for artifact in self._graph.of_type("PushedModel")
            if served_model.ADOPTED not in artifact.properties
            and artifact.properties.get(served_model.PUSHED_DESTINATION) in versions
        ]

    def _executions_behind(self, artifacts: Iterable[Artifact]) -> dict[int, Execution]:
        """The executions that wrote some artifacts or their ancestors.

        The version that a training started from is an ancestor of its model; the baseline that a
        model was compared with is none.
        """
        executions: dict[int, Execution] = {}
        waiting = [writer for artifact in artifacts for writer in self._graph.writers(artifact)]
        while waiting:
            execution = waiting.pop()
            if execution.id not in executions:
                executions[execution.id] = execution
                sources = _used(execution)
                if version := execution.started_from:
                    sources += self._pushes_of({str(self._serving / version)})
                waiting += [writer for source in sources for writer in self._graph.writers(source)]
        return executions


def _used(execution: Execution) -> list[Artifact]:
    return [*execution.read(), *execution.written()]


def _kept_runs(outputs: Outputs, keep: int | None) -> set[str]:
    history = summary.history(outputs.runs)
    newest = history[-keep:] if keep else history
    # `run --from` starts with the outputs of the newest run that finished.
    ended = [run for run in history if run.status in summary.ENDED][-1:]
    # The link, too: names are times, and clocks are set back.
    latest = outputs.latest()
    return {run.run_id for run in (*newest, *ended)} | ({latest} if latest else set())


def _with_origins(versions: Collection[str]) -> set[str]:
    """Versions and the originals of copies, which ML Metadata may no longer have."""
    with_origins = set(versions)
    for version in versions:
        folder = Path(version)
        with_origins.add(str(folder.with_name(str(served_model.origin(version)))))
    return with_origins


def _artifacts(
    outputs: Outputs, ancestry: _Ancestry | None, runs: Collection[str], versions: Collection[str]
) -> tuple[tuple[Path, ...], tuple[int, ...]]:
    """Folders and ids of artifacts to remove; none without metadata, which has the ancestors."""
    if ancestry is None:
        return (), ()
    needed = ancestry.needed(runs, versions)
    root = outputs.artifacts
    inside = {
        artifact.id: Path(artifact.uri)
        for artifact in ancestry.artifacts
        if Path(artifact.uri).is_relative_to(root)
    }
    # <step>/<output>/<execution>; an artifact may be a file in there.
    stay = {path.relative_to(root).parts[:3] for id_, path in inside.items() if id_ in needed}
    folders = [
        path
        for path in sorted(root.glob("*/*/*"))
        if not path.parent.name.startswith(".") and path.relative_to(root).parts not in stay
    ]
    going = [id_ for id_, path in inside.items() if path.relative_to(root).parts[:3] not in stay]
    return tuple(folders), tuple(sorted(going))
