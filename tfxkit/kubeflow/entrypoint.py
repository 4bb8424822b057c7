"""What runs in the container of each step, on Kubeflow Pipelines and on Vertex AI.

It takes the flags of TFX's own entrypoint and hands over to that. On both it puts the values that a
run was given into the step's settings, and tells a training which run it is of. On Kubeflow it also
does, before and after, what that backend leaves undone; what else Vertex AI says reaches TFX as it
came.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import logging
import os
import sys
from collections.abc import Sequence
from typing import Any

from tfxkit.kubeflow import (
    artifact_types,
    beam_step,
    carried,
    checkpoint_run,
    executor_input,
    executor_output,
    failure,
    overrides,
    span_driver,
    value_inputs,
)
from tfxkit.kubeflow.launcher import Launcher
from tfxkit.runs.run_log import QUIET


def main(argv: Sequence[str]) -> int:
    """Runs the executor of a step.

    Args:
        argv: The flags of TFX's entrypoint (tfx 1.21, orchestration/kubeflow/v2/container/
            kubeflow_v2_run_executor.py), then those of Beam.

    Returns:
        The exit code, see `failure.report`.
    """
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--executor_class_path", required=True)
    parser.add_argument("--json_serialized_invocation_args", required=True)
    parser.add_argument("--json_serialized_inputs_spec_args", default="{}")
    args, beam_args = parser.parse_known_args(argv)
    try:
        carried.check_code()
        _run(args, beam_args)
    except Exception as error:  # whatever a step raises: a message for the user
        return failure.report(error)
    return 0


def _run(args: argparse.Namespace, beam_args: list[str]) -> None:
    # TensorFlow reads them once, so nothing above may import it.
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    given = json.loads(args.json_serialized_invocation_args)
    beam_step.ensure_engine(beam_args)
    launcher = Launcher.find()
    if launcher and beam_step.needs_addresses(beam_args):
        launcher = dataclasses.replace(launcher, mirrors=False)
    adapted = _adapt(given, args, launcher)
    if adapted != given:
        args.json_serialized_invocation_args = json.dumps(adapted)
    carried.unpack_schema(adapted.get("inputs", {}).get("parameterValues", {}))

    from absl import logging as absl_logging
    from tfx.orchestration.kubeflow.v2.container import kubeflow_v2_run_executor as tfx_entrypoint

    from tfxkit import compat
    from tfxkit.components.beam_files import remove_temporary

    compat.apply(*compat.BEAM)
    absl_logging.use_absl_handler()
    logging.getLogger("apache_beam").setLevel(logging.WARNING)  # it tells of each type hint
    executor = args.executor_class_path
    if value_inputs.are_in(adapted):
        args.executor_class_path = value_inputs.reading(executor)
    tfx_entrypoint.main((args, beam_args))
    if beam_step.runs_beam(executor):
        for artifacts in adapted["outputs"]["artifacts"].values():
            for artifact in artifacts["artifacts"]:
                remove_temporary(artifact["uri"])
    if launcher is not None:
        _adapt_output(adapted["outputs"]["outputFile"], launcher)


def _adapt(
    given: dict[str, Any], args: argparse.Namespace, launcher: Launcher | None
) -> dict[str, Any]:
    adapted = artifact_types.recover(checkpoint_run.add(overrides.apply(given)))
    if launcher is None:
        return adapted
    inputs_spec = json.loads(args.json_serialized_inputs_spec_args)
    # Once more, as the inputs had no types on Kubeflow before.
    adapted = artifact_types.recover(executor_input.adapt(adapted, inputs_spec, launcher))
    if span_driver.is_for(args.executor_class_path):
        adapted = span_driver.merge(adapted, span_driver.resolve(adapted))
    return adapted


def _adapt_output(path: str, launcher: Launcher) -> None:
    with open(path, encoding="utf-8") as file:
        output = json.load(file)
    with open(path, "w", encoding="utf-8") as file:
        json.dump(executor_output.adapt(output, launcher), file)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
