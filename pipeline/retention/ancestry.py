"""What came from what, over all runs: the artifacts that must stay if some are to stay."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from pathlib import Path

from ml_metadata.proto import metadata_store_pb2 as pb

from pipeline.metadata_store import open_store

MADE = (pb.Event.OUTPUT, pb.Event.INTERNAL_OUTPUT)
RUN = "pipeline_run"  # the type of a context


class Ancestry:
    """The executions and artifacts of a metadata file, and the runs that they belong to."""

    def __init__(self, metadata_file: Path) -> None:
        """Reads all of it."""
        store = open_store(metadata_file)
        self.artifacts = {artifact.id: artifact for artifact in store.get_artifacts()}
        executions = [execution.id for execution in store.get_executions()]
        self._of_run: dict[str, set[int]] = {}
        self._runs: dict[int, set[str]] = defaultdict(set)
        for context in store.get_contexts():
            if context.type == RUN:
                found = {one.id for one in store.get_executions_by_context(context.id)}
                self._of_run[context.name] = found
                for execution in found:
                    self._runs[execution].add(context.name)
        self._used: dict[int, set[int]] = defaultdict(set)  # execution -> its artifacts
        self._makers: dict[int, set[int]] = defaultdict(set)  # artifact -> executions
        for event in store.get_events_by_execution_ids(executions) if executions else ():
            self._used[event.execution_id].add(event.artifact_id)
            if event.type in MADE:
                self._makers[event.artifact_id].add(event.execution_id)

    def pushed(self, versions: Collection[str]) -> set[int]:
        """The artifacts that stand for the push of some versions, paths or addresses."""
        return {
            artifact.id
            for artifact in self.artifacts.values()
            if artifact.type == "PushedModel"
            and "adopted" not in artifact.custom_properties
            and artifact.custom_properties["pushed_destination"].string_value in versions
        }

    def executions_behind(self, artifacts: Collection[int]) -> set[int]:
        """The executions that made some artifacts, those that made what they read, and so on."""
        found: set[int] = set()
        waiting = [maker for artifact in artifacts for maker in self._makers[artifact]]
        while waiting:
            execution = waiting.pop()
            if execution not in found:
                found.add(execution)
                read = self._used[execution]
                waiting += [maker for artifact in read for maker in self._makers[artifact]]
        return found

    def runs_of(self, artifacts: Collection[int]) -> set[str]:
        """The runs in which some artifacts were made."""
        makers = {maker for artifact in artifacts for maker in self._makers[artifact]}
        return {run for maker in makers for run in self._runs[maker]}

    def needed(self, runs: Collection[str], versions: Collection[str]) -> set[int]:
        """The artifacts of some runs and versions, and all that they came from.

        Args:
            runs: Run ids.
            versions: Paths of pushed versions.

        Returns:
            The ids of the artifacts.
        """
        executions = {one for run in runs for one in self._of_run.get(run, ())}
        artifacts = {one for execution in executions for one in self._used[execution]}
        artifacts |= self.pushed(versions)
        executions |= self.executions_behind(artifacts)
        # All that an execution made, since its parts are reused together or not at all.
        return artifacts | {one for execution in executions for one in self._used[execution]}
