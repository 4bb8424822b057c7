"""Values that the launcher fills into a command (component/launcher_v2.go:1051-1173, 1310)."""

from __future__ import annotations

from collections.abc import Iterable

from kfp.pipeline_spec import pipeline_spec_pb2

from tests.kubeflow.emulator import protojson, uris
from tests.kubeflow.emulator.errors import BackendError
from tests.kubeflow.emulator.parameters import text_of

ExecutorInput = pipeline_spec_pb2.ExecutorInput


def with_defaults(
    executor_input: ExecutorInput, component: pipeline_spec_pb2.ComponentSpec
) -> ExecutorInput:
    """A copy in which inputs that were not given have the component's default (:1310)."""
    copy = ExecutorInput()
    copy.CopyFrom(executor_input)
    for name, parameter in component.input_definitions.parameters.items():
        if parameter.HasField("default_value") and name not in copy.inputs.parameter_values:
            copy.inputs.parameter_values[name].CopyFrom(parameter.default_value)
    return copy


def fill_in(command: Iterable[str], executor_input: ExecutorInput, launcher_root: str) -> list[str]:
    """The command with its placeholders filled in.

    Args:
        command: The words; the first gets nothing but {{$}} (:1061).
        executor_input: With defaults.
        launcher_root: Where the step sees the launcher's folders.
    """
    first, *rest = command
    whole = protojson.to_text(executor_input)
    texts = _texts(executor_input, launcher_root)
    words = [first.replace("{{$}}", whole)]
    for word in rest:
        filled = word.replace("{{$}}", whole)
        for placeholder, text in texts.items():
            filled = filled.replace(placeholder, text)
        words.append(filled)
    return words


def _texts(executor_input: ExecutorInput, launcher_root: str) -> dict[str, str]:
    inputs, outputs = executor_input.inputs, executor_input.outputs
    if any(value.WhichOneof("kind") == "null_value" for value in inputs.parameter_values.values()):
        return {}  # an error that nobody looks at (:1052), so nothing is filled in
    texts = {}
    for name, found in inputs.artifacts.items():
        uri = found.artifacts[0].uri
        texts[f"{{{{$.inputs.artifacts['{name}'].uri}}}}"] = uri
        try:
            path = uris.local_path(uri, launcher_root)
        except BackendError:
            continue
        texts[f"{{{{$.inputs.artifacts['{name}'].path}}}}"] = path
    for name, found in outputs.artifacts.items():
        uri = found.artifacts[0].uri
        texts[f"{{{{$.outputs.artifacts['{name}'].uri}}}}"] = uri
        path = uris.local_path(uri, launcher_root)
        texts[f"{{{{$.outputs.artifacts['{name}'].path}}}}"] = path
    for name, value in inputs.parameter_values.items():
        texts[f"{{{{$.inputs.parameters['{name}']}}}}"] = text_of(value)
    for name, parameter in outputs.parameters.items():
        texts[f"{{{{$.outputs.parameters['{name}'].output_file}}}}"] = parameter.output_file
    return texts
