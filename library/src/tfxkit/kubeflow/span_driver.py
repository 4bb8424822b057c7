"""Driver of ExampleGen: resolves its spans, and computes a fingerprint of their content.

Vertex AI runs this program before it looks into its cache, in place of TFX's
`file_based_example_gen/driver.py`, which handles single spans only (`lifecycle.preCacheCheck` of
the compiled component). Kubeflow runs no such hooks; there the entrypoint of the step calls it.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
from collections.abc import Sequence
from typing import Any

from tfxkit.kubeflow.container import report_failure

# The executor of the library's ExampleGen.
SPAN_EXECUTOR = "tfxkit.components.example_gen.component.SpanExecutor"


def main(argv: Sequence[str]) -> int:
    """Writes the resolved spans to the file that the backend reads.

    Args:
        argv: The flags of TFX's driver, and the executor of the step, which resolves its spans;
            flags of Beam, which follow, are ignored.

    Returns:
        The exit code, see `container.report_failure`.
    """
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--json_serialized_invocation_args", required=True)
    parser.add_argument("--json_serialized_inputs_spec_args")
    parser.add_argument("--executor_class_path", default=SPAN_EXECUTOR)
    args, _ = parser.parse_known_args(argv)
    try:
        executor_input = json.loads(args.json_serialized_invocation_args)
        output = resolve_spans(executor_input, args.executor_class_path)
        _write(output, executor_input["outputs"]["outputFile"])
    except Exception as error:  # becomes a message for the user
        return report_failure(error)
    return 0


def reads_spans(executor_class_path: str) -> bool:
    """True if the executor of a step, given by dotted name, reads spans.

    An executor says so itself: that of a project, as after `eject`, is another class than ours.
    """
    return hasattr(_executor_class(executor_class_path), "resolve_spans")


def resolve_spans(
    executor_input: dict[str, Any], executor_class_path: str = SPAN_EXECUTOR
) -> dict[str, Any]:
    """Resolves the spans of the data that an ExampleGen reads.

    Args:
        executor_input: An `ExecutorInput` with the parameters of a SpanExampleGen.
        executor_class_path: Dotted name of its executor, which `reads_spans`.

    Returns:
        An `ExecutorOutput`: the parameters to replace or to add, and the artifact with its
        properties `spans`, `span` and `input_fingerprint`, and `versions` and `version` if it has.

    Raises:
        DataError: If spans are missing or unreadable.
    """
    from google.protobuf import json_format
    from kfp.pipeline_spec import pipeline_spec_pb2
    from tfx.components.example_gen import driver as tfx_driver
    from tfx.orchestration.kubeflow.v2.container import kubeflow_v2_entrypoint_utils as tfx_utils
    from tfx.types import standard_component_specs as specs

    from tfxkit.storage.artifacts import SPANS_PROPERTY, VERSIONS_PROPERTY

    parameters = executor_input["inputs"]["parameterValues"]
    spans = _executor_class(executor_class_path).resolve_spans(parameters)
    resolved = {key: value for key, value in spans.items() if value is not None}

    outputs = json_format.ParseDict(
        executor_input["outputs"], pipeline_spec_pb2.ExecutorInput.Outputs(), True
    )
    names: dict[int, str] = {}
    [examples] = tfx_utils.parse_raw_artifact_dict(outputs.artifacts, names)[specs.EXAMPLES_KEY]
    tfx_driver.update_output_artifact(
        {tfx_driver.utils.VERSION_PROPERTY_NAME: None, **resolved}, examples.mlmd_artifact
    )
    for name in {SPANS_PROPERTY, VERSIONS_PROPERTY} & resolved.keys():
        examples.set_string_custom_property(name, resolved[name])
    artifact = json_format.MessageToDict(tfx_utils.to_runtime_artifact(examples, names))
    return {
        "parameterValues": {
            key: value for key, value in resolved.items() if parameters.get(key) != value
        },
        "artifacts": {specs.EXAMPLES_KEY: {"artifacts": [artifact]}},
    }


def merge_output(executor_input: dict[str, Any], output: dict[str, Any]) -> dict[str, Any]:
    """Merges the resolved spans into an `ExecutorInput`, as Vertex AI does with those of `main`."""
    inputs, outputs = executor_input["inputs"], executor_input["outputs"]
    artifacts = {
        key: {
            "artifacts": [
                {
                    **artifact,
                    "metadata": {**artifact.get("metadata", {}), **resolved.get("metadata", {})},
                }
                for artifact, resolved in zip(
                    outputs["artifacts"][key]["artifacts"], value["artifacts"], strict=True
                )
            ]
        }
        for key, value in output["artifacts"].items()
    }
    return {
        **executor_input,
        "inputs": {
            **inputs,
            "parameterValues": {**inputs["parameterValues"], **output["parameterValues"]},
        },
        "outputs": {**outputs, "artifacts": {**outputs["artifacts"], **artifacts}},
    }


def _executor_class(path: str) -> Any:
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(module), name)


def _write(executor_output: dict[str, Any], path: str) -> None:
    from tfxkit.storage.filesystems import fileio

    fileio.makedirs(os.path.dirname(path))
    with fileio.open(path, "w") as file:
        file.write(json.dumps(executor_output, sort_keys=True))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
