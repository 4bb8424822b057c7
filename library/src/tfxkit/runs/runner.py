"""Runs the DAG on this machine, step after step, and reports the state of each.

TFX's LocalDagRunner returns normally when a step failed at the resolution of its inputs or was
skipped, and offers no hook between steps. So this walks over the compiled pipeline as its
`run_with_ir` does (tfx 1.21, `orchestration/local/local_dag_runner.py`) and reads the state of each
step from ML Metadata.

A step counts as done when its outputs are on the disk, and is reused as long as they are whole: its
outputs are sealed with checksums. TFX reuses what ML Metadata calls complete if the folder exists,
whatever is in it (tfx 1.21, `orchestration/portable/cache_utils.py`). After a power cut the folder
exists, and its newest files are short, empty or gone: the database waits for the disk, those who
wrote the files did not.
"""

from __future__ import annotations

import json
import logging
import os
import time
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import tensorflow as tf
from ml_metadata.proto import metadata_store_pb2 as pb
from tfx.dsl.compiler import compiler, constants
from tfx.dsl.component.experimental.executor_specs import TemplatedExecutorContainerSpec
from tfx.dsl.components.base.base_node import BaseNode
from tfx.dsl.components.base.executor_spec import ExecutorContainerSpec
from tfx.orchestration import metadata, pipeline
from tfx.orchestration.local import runner_utils
from tfx.orchestration.portable import (
    launcher,
    outputs_utils,
    partial_run_utils,
    runtime_parameter_utils,
)
from tfx.proto.orchestration import executable_spec_pb2, pipeline_pb2

from tfxkit import compat
from tfxkit.components.example_gen import spans
from tfxkit.config.loading import Config
from tfxkit.errors import DataError, UsageError, documentation
from tfxkit.runs.dag_building import build_components
from tfxkit.runs.metadata import RunMetadata, newest_run_with, open_store
from tfxkit.runs.outputs import Outputs
from tfxkit.runs.places import Places
from tfxkit.runs.summary import State, Step
from tfxkit.storage import step_cache
from tfxkit.storage.artifacts import remove_beam_folders
from tfxkit.storage.step_secrets import refuse_missing_secrets

logger = logging.getLogger("tfxkit.runs")

# States in ML Metadata of steps that succeeded.
_SUCCEEDED = {"COMPLETE": State.RUN, "CACHED": State.CACHED}
_SEAL = "checksums.json"  # beside the files that TFX itself keeps of an execution
_END_BYTES = 4096  # what a power cut takes away is missing at the end, or everywhere

_Checksums = dict[str, list[int]]  # path -> bytes, checksum


class StepFailedError(Exception):
    """A step that failed without an exception of its own; the reason is in the run's log."""


def compile_pipeline(config: Config, places: Places, outputs: Outputs) -> pipeline_pb2.Pipeline:
    """The DAG as TFX's intermediate representation, its steps in the order in which they run.

    Raises:
        UsageError: If the steps cannot be built, one runs in a container of its own, or one needs a
            secret that is not there.
    """
    components = build_components(config, places)
    _refuse_containers(components)
    refuse_missing_secrets(components)
    ir = compiler.Compiler().compile(
        pipeline.Pipeline(
            pipeline_name=config.pipeline,
            pipeline_root=str(outputs.artifacts),
            components=components,
            enable_cache=config.cache,
            metadata_connection_config=metadata.sqlite_metadata_connection_config(
                str(outputs.metadata)
            ),
            beam_pipeline_args=config.beam.pipeline_args(_data_bytes(config, places)),
        )
    )
    uncached = {node.id for node in components if step_cache.is_never_cached(node)}
    for node in ir.nodes:
        if node.pipeline_node.node_info.id in uncached:
            node.pipeline_node.execution_options.caching_options.enable_cache = False
    return ir


def select_steps(
    ir: pipeline_pb2.Pipeline, outputs: Outputs, first: str | None, last: str | None
) -> None:
    """Marks the steps from `first` to `last`, in the order of running, as those to run.

    Args:
        ir: A compiled pipeline; changed in place.
        outputs: Of the pipeline, with its earlier runs.
        first: The first step to run; if None, the pipeline's first.
        last: The last step to run; if None, the pipeline's last.

    Raises:
        UsageError: If one of them is no step, if `last` comes before `first`, or if no earlier run
            has all the steps before `first`.
    """
    names = [node.pipeline_node.node_info.id for node in ir.nodes]
    for name in (first, last):
        if name is not None and name not in names:
            raise UsageError(f"There is no step {name!r}; the steps are: {', '.join(names)}")
    start = names.index(first) if first else 0
    end = names.index(last) + 1 if last else len(names)
    if start >= end:
        raise UsageError(f"{last} comes before {first}; the steps are: {', '.join(names)}")
    settings = pipeline_pb2.SnapshotSettings()
    settings.latest_pipeline_run_strategy.SetInParent()
    if start:
        # TFX takes the newest run, which may be one that failed before it came so far.
        base = newest_run_with(outputs.metadata, names[:start])
        if base is None:
            raise UsageError(
                f"Cannot start at {first}: no run has all the steps before it. "
                f"Run them: {outputs.command('run', '--to', names[start - 1])}"
            )
        partial_run_utils.set_base_pipeline_run_strategy(settings, base)
    if (start, end) != (0, len(names)):
        partial_run_utils.mark_pipeline(
            ir, from_nodes=names[start:end], to_nodes=names[start:end], snapshot_settings=settings
        )


def run(
    ir: pipeline_pb2.Pipeline,
    outputs: Outputs,
    run_id: str,
    on_start: Callable[[str], None],
    on_end: Callable[[Step], None],
) -> None:
    """Runs the steps of a compiled pipeline.

    Args:
        ir: From `compile_pipeline`, with the steps to run selected; changed in place.
        outputs: Where metadata and artifacts lie.
        run_id: TFX's pipeline run id.
        on_start: Called with the name of each step before it runs; an exception ends the run.
        on_end: Called with each step after it.

    Raises:
        StepFailedError: If a step failed or was skipped without raising.
        Exception: What a step raised.
    """
    runtime_parameter_utils.substitute_runtime_parameter(
        ir, {constants.PIPELINE_RUN_ID_PARAMETER_NAME: run_id}
    )
    compat.apply(*compat.BEAM)
    deployment = runner_utils.extract_local_deployment_config(ir)
    for uri in _forget_damaged(outputs.metadata, outputs.artifacts):
        logger.warning("Not what was written there any more, so it is not reused: %s", uri)
    for node in ir.nodes:
        name, begun = node.pipeline_node.node_info.id, time.monotonic()
        after = tuple(node.pipeline_node.upstream_nodes)
        if node.pipeline_node.execution_options.HasField("skip"):
            on_end(Step(name=name, state=State.SKIPPED, seconds=0, after=after))
            continue
        on_start(name)
        state = State.FAILED
        try:
            launch_step(node.pipeline_node, ir, deployment)
            recorded = RunMetadata(outputs.metadata, run_id).states().get(name)
            if recorded not in _SUCCEEDED:
                reason = recorded or "its inputs do not exist"
                raise StepFailedError(f"{name} did not run: {reason}")
            state = _SUCCEEDED[recorded]
        finally:
            seconds = round(time.monotonic() - begun, 3)
            on_end(Step(name=name, state=state, seconds=seconds, after=after))


def launch_step(
    node: pipeline_pb2.PipelineNode, ir: pipeline_pb2.Pipeline, deployment: Any
) -> None:
    """Runs one step of a compiled pipeline, or takes its outputs from the cache.

    Args:
        node: The step.
        ir: The pipeline, with its runtime parameters replaced.
        deployment: The local deployment configuration of `ir`.
    """
    config = deployment.metadata_connection_config
    connection = getattr(config, config.WhichOneof("connection_config"))
    if node.execution_options.run.perform_snapshot:
        with metadata.Metadata(connection) as handle:
            partial_run_utils.snapshot(handle, ir)
    launcher_class = SealingLauncher if compat.SEALED_OUTPUTS.fits() else launcher.Launcher
    launcher_class(
        pipeline_node=node,
        mlmd_connection=metadata.Metadata(connection),
        pipeline_info=ir.pipeline_info,
        pipeline_runtime_spec=ir.runtime_spec,
        executor_spec=runner_utils.extract_executor_spec(deployment, node.node_info.id),
        custom_driver_spec=runner_utils.extract_custom_driver_spec(deployment, node.node_info.id),
    ).launch()


class SealingLauncher(launcher.Launcher):
    """Waits for the disk before a step is published, and seals its outputs with checksums."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Takes the arguments of TFX's launcher."""
        super().__init__(*args, **kwargs)
        # Only the cache key is made from it after this (tfx 1.21,
        # orchestration/portable/launcher.py:343).
        self._executor_spec: Any = without_beam_args(self._executor_spec)

    def _run_executor(self, execution_info: Any) -> Any:
        # Where metadata was lost, executions are numbered from 1 again: over folders of old ones.
        outputs_utils.make_output_dirs(execution_info.output_dict)
        outputs_utils.remove_output_dirs(execution_info.output_dict)
        result = super()._run_executor(execution_info)
        checksums: _Checksums = {}
        for artifacts in execution_info.output_dict.values():
            for artifact in artifacts:
                remove_beam_folders(artifact.uri)
                checksums |= _checksums(Path(artifact.uri), flush=True)
        seal = Path(os.path.dirname(execution_info.execution_output_uri)) / _SEAL
        seal.parent.mkdir(parents=True, exist_ok=True)
        seal.write_text(json.dumps(checksums))
        _flush(seal)
        return result


def without_beam_args(spec: Any) -> Any:
    """The executor of a step without Beam's arguments, which do not change its results."""
    if not isinstance(spec, executable_spec_pb2.BeamExecutableSpec):
        return spec
    copy = executable_spec_pb2.BeamExecutableSpec()
    copy.python_executor_spec.CopyFrom(spec.python_executor_spec)
    return copy


def _forget_damaged(metadata_file: Path, artifacts: Path) -> list[str]:
    """Marks artifacts as deleted that are no longer as written, so that their steps run again.

    Args:
        metadata_file: The SQLite file of ML Metadata.
        artifacts: The folder of all artifacts.

    Returns:
        The folders of the artifacts that were marked.
    """
    if not metadata_file.exists():
        return []
    store = open_store(metadata_file, write=True)
    seals: dict[Path, _Checksums] = {}
    damaged = []
    for artifact in store.get_artifacts():
        if artifact.state != pb.Artifact.LIVE:
            continue
        seal = _seal_of(Path(artifact.uri), artifacts)
        if seal is None or not seal.exists():  # written by a runner without seals
            continue
        if seal not in seals:
            seals[seal] = _read_seal(seal)
        written = {
            path: checksum
            for path, checksum in seals[seal].items()
            if path == artifact.uri or path.startswith(f"{artifact.uri}/")
        }
        if _checksums(Path(artifact.uri)) != written:
            artifact.state = pb.Artifact.DELETED
            damaged.append(artifact)
    if damaged:
        store.put_artifacts(damaged)
    return [artifact.uri for artifact in damaged]


def _seal_of(uri: Path, artifacts: Path) -> Path | None:
    """The seal of the execution that wrote `<artifacts>/<step>/<key>/<execution>[/…]`."""
    if not uri.is_relative_to(artifacts):
        return None
    match uri.relative_to(artifacts).parts:
        case (step, _, execution, *_):
            return artifacts / step / ".system" / "executor_execution" / execution / _SEAL
    return None


def _read_seal(seal: Path) -> _Checksums:
    try:
        return json.loads(seal.read_text())
    except ValueError:  # the power cut damaged the seal itself
        return {}


def _checksums(uri: Path, *, flush: bool = False) -> _Checksums:
    """_Checksums of the files at an artifact's URI, which is a folder or a file."""
    checksums = {}
    for folder, _, names in os.walk(uri):
        for name in names:
            checksums[os.path.join(folder, name)] = _checksum(Path(folder) / name, flush)
        if flush:
            _flush(Path(folder))
    if uri.is_file():
        checksums[str(uri)] = _checksum(uri, flush)
        if flush:
            _flush(uri.parent)
    return checksums


def _checksum(path: Path, flush: bool) -> list[int]:
    """Size of a file, and checksum of its two ends."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        checksum = zlib.crc32(file.read(_END_BYTES))
        file.seek(max(size - _END_BYTES, 0))
        checksum = zlib.crc32(file.read(), checksum)
        if flush:
            os.fsync(file.fileno())
    return [size, checksum]


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _refuse_containers(components: Iterable[BaseNode]) -> None:
    specs = (TemplatedExecutorContainerSpec, ExecutorContainerSpec)
    names = [node.id for node in components if isinstance(node.executor_spec, specs)]
    if names:
        raise UsageError(
            f"{', '.join(names)}: a step in a container of its own does not run on this machine. "
            "Leave it out of local runs, for example by a key of the configuration; see "
            f"{documentation('steps')}"
        )


def _data_bytes(config: Config, places: Places) -> int:
    if not config.beam.depends_on_size or config.data.reader:
        return 0
    try:
        return spans.size(spans.select(places.data, spans.range_config(config.data.spans)))
    except (DataError, tf.errors.OpError):  # ExampleGen reports it, with the remedy
        return 0
