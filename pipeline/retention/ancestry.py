"""What came from what, over all runs: the artifacts that must stay if some are to stay."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from pathlib import Path

import ml_metadata
from ml_metadata.proto import metadata_store_pb2 as pb
from tfx.types.standard_component_specs import BASE_MODEL_KEY

from pipeline.metadata_store import damage_told, open_store

MADE = (pb.Event.OUTPUT, pb.Event.INTERNAL_OUTPUT)
RUN = "pipeline_run"  # the type of a context
PUSHED_MODEL = "PushedModel"  # the type of an artifact


class Ancestry:
    """The executions and artifacts of a metadata file, and the runs that they belong to."""

    def __init__(self, metadata_file: Path, serving: Path) -> None:
        """Reads all of it.

        Args:
            metadata_file: The SQLite file of ML Metadata.
            serving: The folder of versions.

        Raises:
            StorageError: If the file cannot be read, or is damaged.
        """
        with damage_told(metadata_file):
            self._read(open_store(metadata_file), serving)

    def _read(self, store: ml_metadata.MetadataStore, serving: Path) -> None:
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
        self._started_from: dict[int, set[str]] = defaultdict(set)  # execution -> versions
        for event in store.get_events_by_execution_ids(executions) if executions else ():
            self._used[event.execution_id].add(event.artifact_id)
            if event.type in MADE:
                self._makers[event.artifact_id].add(event.execution_id)
            elif event.path.steps and event.path.steps[0].key == BASE_MODEL_KEY:
                # A warm start. It reads Baseline's copy, and no event leads from that to the
                # version. What a model was only compared with, it did not come from.
                model = self.artifacts[event.artifact_id].custom_properties
                if version := model["served_version"].string_value:
                    self._started_from[event.execution_id].add(str(serving / version))

    def pushed(self, versions: Collection[str]) -> set[int]:
        """The artifacts that stand for the push of some versions, paths or addresses."""
        return {
            artifact.id
            for artifact in self.artifacts.values()
            if artifact.type == PUSHED_MODEL
            and "adopted" not in artifact.custom_properties
            and artifact.custom_properties["pushed_destination"].string_value in versions
        }

    def executions_behind(self, artifacts: Collection[int]) -> set[int]:
        """The executions that made some artifacts, those that made what they read, and so on.

        Also those that made the version which a training started from.
        """
        found: set[int] = set()
        waiting = [maker for artifact in artifacts for maker in self._makers[artifact]]
        while waiting:
            execution = waiting.pop()
            if execution not in found:
                found.add(execution)
                read = self._used[execution] | self.pushed(self._started_from[execution])
                waiting += [maker for artifact in read for maker in self._makers[artifact]]
        return found

    def runs_of(self, versions: Collection[str]) -> set[str]:
        """The runs that pushed some versions, and those that pushed what these came from."""
        behind = self.executions_behind(self.pushed(versions))
        pushes = {
            maker
            for artifact in self.artifacts.values()
            if artifact.type == PUSHED_MODEL
            for maker in self._makers[artifact.id] & behind
        }
        return {run for push in pushes for run in self._runs[push]}

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
