"""Outputs of a step: read from its output file, uploaded, recorded (component/launcher_v2.go)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from google.protobuf.struct_pb2 import Value
from kfp.pipeline_spec import pipeline_spec_pb2

from tests.kubeflow.emulator import protojson, uris
from tests.kubeflow.emulator.driver import LOGS
from tests.kubeflow.emulator.errors import BackendError, plain_error, prefixed
from tests.kubeflow.emulator.metadata import MetadataStore, schema_of
from tests.kubeflow.emulator.object_store import ObjectStore
from tests.kubeflow.emulator.parameters import value_of

ExecutorInput = pipeline_spec_pb2.ExecutorInput
ExecutorOutput = pipeline_spec_pb2.ExecutorOutput
RuntimeArtifact = pipeline_spec_pb2.RuntimeArtifact


def read_output_file(path: Path) -> ExecutorOutput:
    """The step's ExecutorOutput, read strictly; empty if it wrote none (launcher_v2.go:1208).

    Raises:
        BackendError: The file is no ExecutorOutput.
    """
    if not path.exists():
        return ExecutorOutput()
    try:
        return protojson.from_text(path.read_text(), ExecutorOutput())
    except protojson.InvalidJson as error:
        raise plain_error(
            f'failed to unmarshall ExecutorOutput in file "{path}": {error}'
        ) from error


def collect_parameters(
    executor_input: ExecutorInput,
    output: ExecutorOutput,
    component: pipeline_spec_pb2.ComponentSpec,
    host: Callable[[str], Path],
) -> dict[str, Value]:
    """Output parameters, from the output file or from files of their own (launcher_v2.go:484).

    Raises:
        BackendError: One was not written, or is not of its type.
    """
    values = dict(output.parameter_values)
    for name, parameter in executor_input.outputs.parameters.items():
        if name in values:
            continue
        declared = component.output_definitions.parameters[name].parameter_type
        with prefixed(
            f'failed to read output parameter name="{name}" path="{parameter.output_file}"'
        ):
            try:
                text = host(parameter.output_file).read_text()
            except OSError as error:
                raise plain_error(str(error)) from error
            values[name] = value_of(text, declared)
    return values


class OutputRecorder:
    """Uploads and records the outputs of one attempt.

    Args:
        store: Where they go.
        metadata: Where they become known.
        bucket: The run's folder, outside which nothing may be written.
        local: The launcher's path of an artifact.
    """

    def __init__(
        self,
        store: ObjectStore,
        metadata: MetadataStore,
        bucket: uris.Bucket,
        local: Callable[[RuntimeArtifact], str],
    ) -> None:
        self._store, self._metadata, self._bucket, self._local = store, metadata, bucket, local

    def record(
        self, executor_input: ExecutorInput, output: ExecutorOutput, log: Path
    ) -> dict[str, int]:
        """Uploads all outputs; returns their ids by key (launcher_v2.go:778).

        Raises:
            BackendError: One lies outside the run's folder, or cannot be recorded.
        """
        ids = {}
        for name, found in executor_input.outputs.artifacts.items():
            if name == LOGS:
                continue
            artifact = found.artifacts[0]
            if name in output.artifacts and output.artifacts[name].artifacts:
                _merge(output.artifacts[name].artifacts[0], artifact)
            self._upload(name, artifact)
            ids[name] = self._record(name, artifact)
        return ids | self.record_log(executor_input, log)

    def record_log(self, executor_input: ExecutorInput, log: Path) -> dict[str, int]:
        """The log, the only output of a step that failed (launcher_v2.go:787)."""
        if LOGS not in executor_input.outputs.artifacts:
            return {}
        artifact = executor_input.outputs.artifacts[LOGS].artifacts[0]
        try:
            self._store.upload(str(log), self._bucket, self._bucket.key(artifact.uri))
        except FileNotFoundError:  # the step never began (launcher_v2.go:828)
            return {}
        return {LOGS: self._record(LOGS, artifact)}

    def _upload(self, name: str, artifact: RuntimeArtifact) -> None:
        try:
            path = self._local(artifact)
        except BackendError:
            return  # "no recognized storage URI. Skipping": it is recorded, yet lost (:813)
        with prefixed(f'failed to upload output artifact "{name}"'):
            key = self._bucket.key(artifact.uri)
            try:
                self._store.upload(path, self._bucket, key)
            except FileNotFoundError:
                return  # a component need not produce its outputs (:825)

    def _record(self, name: str, artifact: RuntimeArtifact) -> int:
        with prefixed(f'failed to determine schema for output "{name}"'):
            schema = schema_of(artifact.type)
        with prefixed(f'unable to produce MLMD artifact for output "{name}"'):
            return self._metadata.record(name, schema, artifact, self._bucket.provider)


def _merge(source: RuntimeArtifact, target: RuntimeArtifact) -> None:
    """Puts the step's own values over those of the driver (launcher_v2.go:1188)."""
    if source.uri:
        target.uri = source.uri
    for name, item in source.metadata.fields.items():
        target.metadata.fields[name].CopyFrom(item)
    if source.custom_path:
        target.custom_path = source.custom_path
