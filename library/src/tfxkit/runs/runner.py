"""Runs the DAG on this machine, step after step, and reports the state of each.

TFX's LocalDagRunner returns normally when a step failed at the resolution of its inputs or was
skipped, and offers no hook between steps. So this walks over the compiled pipeline as its
`run_with_ir` does (tfx 1.21, `orchestration/local/local_dag_runner.py`) and reads the state of each
step from ML Metadata.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from typing import Any

import tensorflow as tf
from tfx.dsl.compiler import compiler, constants
from tfx.dsl.component.experimental.executor_specs import TemplatedExecutorContainerSpec
from tfx.dsl.components.base.base_node import BaseNode
from tfx.dsl.components.base.executor_spec import ExecutorContainerSpec
from tfx.orchestration import metadata, pipeline
from tfx.orchestration.local import runner_utils
from tfx.orchestration.portable import launcher, partial_run_utils, runtime_parameter_utils
from tfx.proto.orchestration import pipeline_pb2

from tfxkit import compat
from tfxkit.components.example_gen import spans
from tfxkit.config.loading import Config
from tfxkit.errors import DataError, UsageError, documentation
from tfxkit.runs.dag_building import build_components
from tfxkit.runs.metadata import RunMetadata
from tfxkit.runs.outputs import Outputs
from tfxkit.runs.places import Places
from tfxkit.runs.sealing import SealingLauncher, give_up_damaged
from tfxkit.runs.summary import State, Step
from tfxkit.storage import step_cache
from tfxkit.storage.step_secrets import refuse_missing_secrets

logger = logging.getLogger("tfxkit.runs")

# States in ML Metadata of steps that succeeded.
STATES = {"COMPLETE": State.RUN, "CACHED": State.CACHED}


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
        on_start: Called with the name of each step before it runs; what it raises ends the run.
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
    for uri in give_up_damaged(outputs.metadata, outputs.artifacts):
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
            _launch(node.pipeline_node, ir, deployment)
            found = RunMetadata(outputs.metadata, run_id).states().get(name)
            if found not in STATES:
                raise StepFailedError(f"{name} did not run: {found or 'its inputs are not there'}")
            state = STATES[found]
        finally:
            seconds = round(time.monotonic() - begun, 3)
            on_end(Step(name=name, state=state, seconds=seconds, after=after))


def _refuse_containers(components: Iterable[BaseNode]) -> None:
    kinds = (TemplatedExecutorContainerSpec, ExecutorContainerSpec)
    names = [node.id for node in components if isinstance(node.executor_spec, kinds)]
    if names:
        raise UsageError(
            f"{', '.join(names)}: a step in a container of its own does not run on this machine. "
            "Leave it out of local runs, for example by a key of the configuration; see "
            f"{documentation('A step of your own, and a step taken out')}"
        )


def _data_bytes(config: Config, places: Places) -> int:
    if not config.beam.depends_on_size or config.data.reader:
        return 0
    try:
        return spans.size(spans.select(places.data, spans.range_config(config.data.spans)))
    except (DataError, tf.errors.OpError):  # ExampleGen will say the same, and what to do
        return 0


def _launch(node: pipeline_pb2.PipelineNode, ir: pipeline_pb2.Pipeline, deployment: Any) -> None:
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
