"""Selection of the steps to run, and of the earlier run that the others are taken from."""

from __future__ import annotations

from tfx.orchestration.portable import partial_run_utils
from tfx.proto.orchestration import pipeline_pb2

from tfxkit.errors import UsageError
from tfxkit.runs.metadata import newest_run_with
from tfxkit.runs.outputs import Outputs


def select_steps(
    ir: pipeline_pb2.Pipeline, outputs: Outputs, first: str | None, last: str | None
) -> None:
    """Marks the steps from `first` to `last`, in the order of running, as those to run.

    Args:
        ir: A compiled pipeline; changed in place.
        outputs: Of the pipeline, with its earlier runs.
        first: The first step to run; the first of all if None.
        last: The last step to run; the last of all if None.

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
