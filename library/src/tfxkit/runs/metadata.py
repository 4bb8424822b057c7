"""ML Metadata as a graph of executions and of the artifacts that they read and wrote.

All code about past runs uses this module: results and report of one run, resume, lineage, retention
and rollback. A reused step appears as another execution with the same output artifacts, so an
artifact was written by the oldest execution that has it among its outputs.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import ml_metadata
from ml_metadata.proto import metadata_store_pb2 as pb

from tfxkit.errors import StorageError
from tfxkit.storage import served_model
from tfxkit.storage.artifacts import ABSENT

_SUCCEEDED = ("COMPLETE", "CACHED")
_INPUT_EVENTS = (pb.Event.INPUT, pb.Event.DECLARED_INPUT, pb.Event.INTERNAL_INPUT)
_OUTPUT_EVENTS = (pb.Event.OUTPUT, pb.Event.DECLARED_OUTPUT, pb.Event.INTERNAL_OUTPUT)
# Types of contexts. A node's context is named <pipeline>.<step>.
_RUN, _NODE = "pipeline_run", "node"


@dataclasses.dataclass(frozen=True)
class Artifact:
    """An artifact.

    Attributes:
        id: Its id, the same in all runs.
        type: Such as `Model`.
        uri: Its folder or file.
        properties: Its properties, custom ones included.
    """

    id: int
    type: str
    uri: str
    properties: Mapping[str, Any]

    @property
    def is_absent(self) -> bool:
        """True for a placeholder of something that does not exist."""
        return bool(self.properties.get(ABSENT))


Artifacts = Mapping[str, Sequence[Artifact]]  # by the name of the input or output
ArtifactsByStep = Mapping[str, Mapping[str, Artifact]]


@dataclasses.dataclass(frozen=True)
class Execution:
    """One execution of a step.

    Attributes:
        id: Its id in ML Metadata.
        step: The name of the step, such as `Trainer`; the type of an execution outside of runs.
        runs: Ids of the runs that it belongs to, oldest first: more than one if later runs, started
            with a later step, use its outputs.
        state: COMPLETE, CACHED, FAILED and so on.
        started: Seconds since 1970.
        ended: Time of the last change, in seconds since 1970.
        parameters: Its properties, custom ones included.
        inputs: The artifacts that it read.
        outputs: The artifacts that it wrote or reused.
    """

    id: int
    step: str
    runs: tuple[str, ...]
    state: str
    started: float
    ended: float
    parameters: Mapping[str, Any]
    inputs: Artifacts
    outputs: Artifacts

    @property
    def succeeded(self) -> bool:
        """True if its outputs can be used."""
        return self.state in _SUCCEEDED

    @property
    def run(self) -> str:
        """The run that it was started in; empty if none."""
        return self.runs[0] if self.runs else ""

    def read(self) -> list[Artifact]:
        """All input artifacts."""
        return [artifact for artifacts in self.inputs.values() for artifact in artifacts]

    def written(self) -> list[Artifact]:
        """All output artifacts."""
        return [artifact for artifacts in self.outputs.values() for artifact in artifacts]

    @property
    def started_from(self) -> str | None:
        """Version of the served model whose weights a training started from."""
        # The Trainer reads Baseline's copy, and no event leads from that to the version.
        for model in self.inputs.get("base_model", ()):
            if version := model.properties.get(served_model.SERVED_VERSION):
                return str(version)
        return None


class ExecutionGraph:
    """Executions and artifacts, and the links between them."""

    def __init__(self, executions: Collection[Execution], artifacts: Collection[Artifact]) -> None:
        """Indexes the graph.

        Args:
            executions: Its executions.
            artifacts: At least those that the executions read and wrote.
        """
        self.artifacts = {artifact.id: artifact for artifact in artifacts}
        self.executions = sorted(executions, key=lambda execution: execution.id)
        self._writers: dict[int, list[Execution]] = defaultdict(list)
        for execution in self.executions:
            for artifact in execution.written():
                self._writers[artifact.id].append(execution)

    def writers(self, artifact: Artifact) -> Sequence[Execution]:
        """The executions that have an artifact among their outputs, oldest first."""
        return self._writers.get(artifact.id, ())

    def maker(self, artifact: Artifact) -> Execution | None:
        """The execution that wrote an artifact; None if it failed or is unknown."""
        return next((writer for writer in self.writers(artifact) if writer.succeeded), None)

    def ancestors(self, artifact: Artifact) -> list[Artifact]:
        """An artifact and all its ancestors, nearest first."""
        ancestors, waiting = {artifact.id: artifact}, [artifact]
        while waiting:
            maker = self.maker(waiting.pop(0))
            for source in maker.read() if maker else ():
                if source.id not in ancestors:
                    ancestors[source.id] = source
                    waiting.append(source)
        return list(ancestors.values())

    def of_type(self, name: str) -> list[Artifact]:
        """All artifacts of a type, oldest first."""
        artifacts = (artifact for artifact in self.artifacts.values() if artifact.type == name)
        return sorted(artifacts, key=lambda artifact: artifact.id)

    def steps(self, run_id: str) -> dict[str, Execution]:
        """The newest execution of each step in a run, in the order in which they started."""
        executions = (execution for execution in self.executions if run_id in execution.runs)
        newest = {execution.step: execution for execution in executions}
        return dict(sorted(newest.items(), key=lambda pair: pair[1].id))


class RunMetadata:
    """One run in a metadata file, as it is at the moment of each call."""

    def __init__(self, metadata_file: Path, run_id: str) -> None:
        """Selects the run; the file is not opened yet.

        Args:
            metadata_file: The SQLite file of ML Metadata; it need not exist.
            run_id: TFX's pipeline run id.
        """
        self._file, self._run_id = metadata_file, run_id

    def steps(self) -> dict[str, Execution]:
        """The newest execution of each step that has started, in order.

        Raises:
            StorageError: If the file cannot be read, or is damaged.
        """
        return read_graph(self._file, self._run_id).steps(self._run_id)

    def states(self) -> dict[str, str]:
        """The state of each step that has started: COMPLETE, CACHED, FAILED and so on."""
        return {name: execution.state for name, execution in self.steps().items()}

    def outputs(self) -> dict[str, dict[str, Artifact]]:
        """The output artifacts of each step, by key; the first one where there are several."""
        return first_outputs(self.steps())


def first_outputs(steps: Mapping[str, Execution]) -> dict[str, dict[str, Artifact]]:
    """The output artifacts by step and key; the first one where there are several."""
    return {
        name: {key: artifacts[0] for key, artifacts in execution.outputs.items()}
        for name, execution in steps.items()
    }


def newest_run_with(metadata_file: Path, steps: Collection[str]) -> str | None:
    """The id of the newest run in which all of the steps succeeded, or None.

    Raises:
        StorageError: If the file cannot be read, or is damaged.
    """
    graph = read_graph(metadata_file)
    # Ids of executions give the order of runs; clocks are set back.
    runs = {run: execution.id for execution in graph.executions for run in execution.runs}
    for run_id in sorted(runs, key=lambda run: runs[run], reverse=True):
        succeeded = {name for name, step in graph.steps(run_id).items() if step.succeeded}
        if succeeded.issuperset(steps):
            return run_id
    return None


def read_graph(metadata_file: Path, run_id: str | None = None) -> ExecutionGraph:
    """Reads a metadata file, without changing it.

    Args:
        metadata_file: The SQLite file of ML Metadata; the graph is empty if it does not exist.
        run_id: Read the executions of this run only, and their artifacts; None for everything.

    Raises:
        StorageError: If the file cannot be read, or is damaged.
    """
    if not metadata_file.exists():
        return ExecutionGraph((), ())
    with _named_in_errors(metadata_file, "read"):
        return _read_graph(open_store(metadata_file), run_id)


def forget_artifacts(metadata_file: Path, ids: Sequence[int]) -> None:
    """Marks artifacts as deleted, so that no step is taken from the cache because of them.

    Raises:
        StorageError: If the file cannot be opened, or is damaged.
    """
    if not ids:
        return
    store = open_store(metadata_file, write=True)
    artifacts = store.get_artifacts_by_id(ids)
    for artifact in artifacts:
        artifact.state = pb.Artifact.DELETED
    store.put_artifacts(artifacts)


def open_store(metadata_file: Path, *, write: bool = False) -> ml_metadata.MetadataStore:
    """Opens a SQLite file of ML Metadata; for writing, it is created if necessary.

    Raises:
        StorageError: If it cannot be opened, or is damaged.
    """
    modes = pb.SqliteMetadataSourceConfig
    config = pb.ConnectionConfig()
    config.sqlite.filename_uri = str(metadata_file)
    config.sqlite.connection_mode = modes.READWRITE_OPENCREATE if write else modes.READONLY
    with _named_in_errors(metadata_file, "opened"):
        return ml_metadata.MetadataStore(config)


@contextlib.contextmanager
def _named_in_errors(metadata_file: Path, action: str) -> Iterator[None]:
    try:
        yield
    except (ml_metadata.errors.StatusError, RuntimeError) as error:  # the latter from its C++ part
        # The reason is between a heading and the SQL statement.
        reason = str(error).removeprefix("Error when executing query: ").split(" query: ")[0]
        raise StorageError(f"{metadata_file} cannot be {action}: {reason}") from error


def _read_graph(store: ml_metadata.MetadataStore, run_id: str | None) -> ExecutionGraph:
    # One query for each execution of a run, or for each context of the store: those are fewer.
    if run_id is None:
        executions = store.get_executions()
        contexts = _contexts_by_execution(store)
    else:
        executions = _executions_of_run(store, run_id)
        contexts = {
            execution.id: store.get_contexts_by_execution(execution.id) for execution in executions
        }
    ids = [execution.id for execution in executions]
    events = store.get_events_by_execution_ids(ids) if ids else []
    artifacts = {
        artifact.id: Artifact(artifact.id, artifact.type, artifact.uri, _values(artifact))
        for artifact in (
            store.get_artifacts()
            if run_id is None
            else store.get_artifacts_by_id({event.artifact_id for event in events})
        )
    }
    inputs, outputs = (
        _by_execution(events, types, artifacts) for types in (_INPUT_EVENTS, _OUTPUT_EVENTS)
    )
    return ExecutionGraph(
        [
            Execution(
                id=execution.id,
                step=_step(contexts.get(execution.id, ())) or execution.type,
                runs=_runs(contexts.get(execution.id, ())),
                state=pb.Execution.State.Name(execution.last_known_state),
                started=execution.create_time_since_epoch / 1000,
                ended=execution.last_update_time_since_epoch / 1000,
                parameters=_values(execution),
                inputs=inputs.get(execution.id, {}),
                outputs=outputs.get(execution.id, {}),
            )
            for execution in executions
        ],
        artifacts.values(),
    )


def _executions_of_run(store: ml_metadata.MetadataStore, run_id: str) -> list[pb.Execution]:
    try:
        run = store.get_context_by_type_and_name(_RUN, run_id)
    except ml_metadata.errors.NotFoundError:  # of the type: no run has registered yet
        return []
    return store.get_executions_by_context(run.id) if run else []


def _contexts_by_execution(store: ml_metadata.MetadataStore) -> dict[int, list[pb.Context]]:
    """The run and node contexts that each execution belongs to."""
    contexts: dict[int, list[pb.Context]] = defaultdict(list)
    for context in store.get_contexts():
        if context.type in (_RUN, _NODE):
            for execution in store.get_executions_by_context(context.id):
                contexts[execution.id].append(context)
    return contexts


def _step(contexts: Collection[pb.Context]) -> str:
    nodes = (context.name for context in contexts if context.type == _NODE)
    return next((name.partition(".")[2] for name in nodes), "")


def _runs(contexts: Collection[pb.Context]) -> tuple[str, ...]:
    runs = [context for context in contexts if context.type == _RUN]
    return tuple(run.name for run in sorted(runs, key=lambda run: run.id))


def _by_execution(
    events: Collection[pb.Event], types: Collection[int], artifacts: Mapping[int, Artifact]
) -> dict[int, dict[str, list[Artifact]]]:
    """The artifacts at the other ends of events, by execution and by name, in order."""
    by_execution: dict[int, dict[str, list[Artifact]]] = defaultdict(lambda: defaultdict(list))
    chosen = [event for event in events if event.type in types]
    for event in sorted(chosen, key=lambda event: (_key(event), event.artifact_id)):
        by_execution[event.execution_id][_key(event)].append(artifacts[event.artifact_id])
    return {execution: dict(by_key) for execution, by_key in by_execution.items()}


def _key(event: pb.Event) -> str:
    return event.path.steps[0].key if event.path.steps else ""


def _values(node: pb.Artifact | pb.Execution) -> dict[str, Any]:
    pairs = [*node.properties.items(), *node.custom_properties.items()]
    return {name: getattr(value, value.WhichOneof("value")) for name, value in pairs}
