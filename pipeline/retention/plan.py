"""Decides what goes: everything that is old and that nothing which stays came from."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from pathlib import Path

from pipeline import summary
from pipeline.outputs import Outputs
from pipeline.retention.ancestry import Ancestry
from tfxkit.storage import served_model


@dataclasses.dataclass(frozen=True)
class Plan:
    """What is to be removed.

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
        """Whether there is anything to remove."""
        return bool(self.runs or self.versions or self.artifacts)


def make(outputs: Outputs, keep_runs: int | None, keep_versions: int | None) -> Plan:
    """Looks at what there is.

    What stays besides the newest: the newest run that came to an end, the runs that each version
    which stays came from, and all artifacts that those runs and versions are made of.

    Args:
        outputs: Of a pipeline; locked.
        keep_runs: How many of the newest runs stay; None for all.
        keep_versions: How many of the newest versions stay, at least the one that is served; None
            for all.
    """
    complete = served_model.complete_versions(str(outputs.serving))
    leaving = complete[:-keep_versions] if keep_versions else []
    staying = {str(outputs.serving / str(v)) for v in complete if v not in leaving}
    ancestry = Ancestry(outputs.metadata, outputs.serving) if outputs.metadata.exists() else None
    kept = _kept_runs(outputs, keep_runs)
    if ancestry:
        kept |= ancestry.runs_of(_with_origins(staying))
    runs = {run.run_id for run in summary.history(outputs.runs)} - kept
    artifacts, forgotten = _artifacts(outputs, ancestry, kept, _with_origins(staying))
    return Plan(
        runs=tuple(outputs.runs / run for run in sorted(runs)),
        versions=tuple(outputs.serving / str(version) for version in leaving),
        artifacts=artifacts,
        forgotten=forgotten,
    )


def _kept_runs(outputs: Outputs, keep: int | None) -> set[str]:
    history = summary.history(outputs.runs)
    newest = history[-keep:] if keep else history
    # `run --from` begins with what the newest run that came to an end has left.
    ended = [run for run in history if run.status in summary.ENDED][-1:]
    # By the link, too: names are times, and clocks are set back.
    latest = outputs.latest()
    return {run.run_id for run in (*newest, *ended)} | ({latest} if latest else set())


def _with_origins(versions: Collection[str]) -> set[str]:
    """With what they are copies of, in case that ML Metadata knows no more how they were made."""
    found = set(versions)
    for version in versions:
        folder = Path(version)
        found.add(str(folder.with_name(str(served_model.origin(version)))))
    return found


def _artifacts(
    outputs: Outputs, ancestry: Ancestry | None, runs: Collection[str], versions: Collection[str]
) -> tuple[tuple[Path, ...], tuple[int, ...]]:
    """Folders and ids; none where nothing says what is needed."""
    if ancestry is None:
        return (), ()
    needed = ancestry.needed(runs, versions)
    root = outputs.artifacts
    inside = {
        artifact.id: Path(artifact.uri)
        for artifact in ancestry.artifacts.values()
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
