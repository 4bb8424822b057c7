"""Entrypoint of the container of each step, on Kubeflow Pipelines and on Vertex AI.

It takes the flags of TFX's own entrypoint and calls that one. On both backends it first puts the
parameters of the run into the step's settings, and the run's id into those of a training. On
Kubeflow it also does, before and after, what that backend leaves undone; everything else that
Vertex AI sends reaches TFX unchanged.
"""

from __future__ import annotations

import argparse
import dataclasses
import gc
import importlib
import json
import logging
import os
import sys
from collections.abc import Sequence
from typing import Any

from tfxkit.config.engines import ensure_job_server
from tfxkit.kubeflow import artifact_types, container, messages, span_driver
from tfxkit.kubeflow.parameters import apply_overrides
from tfxkit.runs.run_log import QUIET

_JOB_ENDPOINT = "--job_endpoint="
_DATAFLOW = "--runner=DataflowRunner"


def main(argv: Sequence[str]) -> int:
    """Runs the executor of a step.

    Args:
        argv: The flags of TFX's entrypoint (tfx 1.21, orchestration/kubeflow/v2/container/
            kubeflow_v2_run_executor.py), then those of Beam, for a step that runs Beam.

    Returns:
        The exit code, see `container.report_failure`.
    """
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--executor_class_path", required=True)
    parser.add_argument("--json_serialized_invocation_args", required=True)
    parser.add_argument("--json_serialized_inputs_spec_args", default="{}")
    args, beam_args = parser.parse_known_args(argv)
    try:
        container.check_code()
        _run(args, beam_args)
    except Exception as error:  # anything that a step raises becomes a message for the user
        return container.report_failure(error)
    return 0


def _run(args: argparse.Namespace, beam_args: list[str]) -> None:
    # TensorFlow reads them once, so nothing above may import it.
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    received = json.loads(args.json_serialized_invocation_args)
    endpoints = [arg.removeprefix(_JOB_ENDPOINT) for arg in beam_args if _JOB_ENDPOINT in arg]
    if endpoints:
        ensure_job_server(endpoints[-1])
    launcher = container.Launcher.find()
    if launcher and _DATAFLOW in beam_args:
        # The workers see the object store only, and no folder of the container.
        launcher = dataclasses.replace(launcher, mirrors=False)
    adapted = _adapt(received, args, launcher)
    if adapted != received:
        args.json_serialized_invocation_args = json.dumps(adapted)
    container.unpack_schema(adapted.get("inputs", {}).get("parameterValues", {}))

    from absl import logging as absl_logging
    from tfx.orchestration.kubeflow.v2.container import kubeflow_v2_run_executor as tfx_entrypoint

    from tfxkit import compat
    from tfxkit.storage.artifacts import remove_beam_folders

    compat.apply(*compat.BEAM)
    absl_logging.use_absl_handler()
    logging.getLogger("apache_beam").setLevel(logging.WARNING)  # it logs each type hint
    executor = args.executor_class_path
    if artifact_types.has_values(adapted):
        args.executor_class_path = artifact_types.value_reading_executor(executor)
    tfx_entrypoint.main((args, beam_args))
    if _runs_beam(executor):
        for artifacts in adapted["outputs"]["artifacts"].values():
            for artifact in artifacts["artifacts"]:
                remove_beam_folders(artifact["uri"])
    if launcher is not None:
        _adapt_output(adapted["outputs"]["outputFile"], launcher)


def _adapt(
    received: dict[str, Any], args: argparse.Namespace, launcher: container.Launcher | None
) -> dict[str, Any]:
    adapted = messages.add_checkpoint_run(apply_overrides(received))
    adapted = artifact_types.recover_classes(adapted)
    if launcher is None:
        return adapted
    inputs_spec = json.loads(args.json_serialized_inputs_spec_args)
    adapted = messages.adapt_input(adapted, inputs_spec, launcher)
    # Once more: before, the inputs had no types on Kubeflow.
    adapted = artifact_types.recover_classes(adapted)
    if span_driver.reads_spans(args.executor_class_path):
        resolved = span_driver.resolve_spans(adapted, args.executor_class_path)
        adapted = span_driver.merge_output(adapted, resolved)
    return adapted


def _runs_beam(executor_class_path: str) -> bool:
    from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor

    module, _, name = executor_class_path.rpartition(".")
    return issubclass(getattr(importlib.import_module(module), name), BaseBeamExecutor)


def _adapt_output(path: str, launcher: container.Launcher) -> None:
    with open(path, encoding="utf-8") as file:
        output = json.load(file)
    with open(path, "w", encoding="utf-8") as file:
        json.dump(messages.adapt_output(output, launcher), file)


if __name__ == "__main__":
    gc.set_threshold(200_000)  # as on the command line: the imports take a tenth less time
    sys.exit(main(sys.argv[1:]))
