"""A step counts as done when its outputs are on the disk, and is reused as long as they are whole.

TFX reuses what ML Metadata calls complete if the folder is there, whatever is in it (tfx 1.21,
`orchestration/portable/cache_utils.py`). After a power cut the folder is there, and its newest
files are short, empty or gone: the database waits for the disk, those who wrote the files did not.
"""

from __future__ import annotations

import json
import os
import zlib
from pathlib import Path
from typing import Any

from ml_metadata.proto import metadata_store_pb2 as pb
from tfx.orchestration.portable import launcher, outputs_utils
from tfx.proto.orchestration import executable_spec_pb2

from tfxkit.components.beam_files import remove_temporary
from tfxkit.runs.metadata import open_store

SEAL = "checksums.json"  # beside what TFX itself keeps of an execution
_END_BYTES = 4096  # what a power cut takes away is missing at the end, or everywhere

Files = dict[str, list[int]]  # path -> bytes, checksum


class SealingLauncher(launcher.Launcher):
    """Waits for the disk before a step is published, and writes down what there is."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Takes what TFX's launcher does."""
        super().__init__(*args, **kwargs)
        # From here on for the cache's key alone (tfx 1.21, orchestration/portable/launcher.py:343).
        self._executor_spec: Any = without_beam_args(self._executor_spec)

    def _run_executor(self, execution_info: Any) -> Any:
        # Where metadata was lost, executions are numbered from 1 again: over folders of old ones.
        outputs_utils.make_output_dirs(execution_info.output_dict)
        outputs_utils.remove_output_dirs(execution_info.output_dict)
        result = super()._run_executor(execution_info)
        files: Files = {}
        for artifacts in execution_info.output_dict.values():
            for artifact in artifacts:
                remove_temporary(artifact.uri)
                files |= _files(Path(artifact.uri), flush=True)
        seal = Path(os.path.dirname(execution_info.execution_output_uri)) / SEAL
        seal.parent.mkdir(parents=True, exist_ok=True)
        seal.write_text(json.dumps(files))
        _flush(seal)
        return result


def without_beam_args(spec: Any) -> Any:
    """The executor of a step without what says where its work is done: the same comes out of it."""
    if not isinstance(spec, executable_spec_pb2.BeamExecutableSpec):
        return spec
    copy = executable_spec_pb2.BeamExecutableSpec()
    copy.python_executor_spec.CopyFrom(spec.python_executor_spec)
    return copy


def give_up_damaged(metadata_file: Path, artifacts: Path) -> list[str]:
    """Marks artifacts that are no longer what a step has written, so that it runs again.

    Args:
        metadata_file: The SQLite file of ML Metadata.
        artifacts: The folder of all artifacts.

    Returns:
        The folders of those that were found now.
    """
    if not metadata_file.exists():
        return []
    store = open_store(metadata_file, write=True)
    live = [one for one in store.get_artifacts() if one.state == pb.Artifact.LIVE]
    seals: dict[Path, Files] = {}
    damaged = []
    for artifact in live:
        seal = _seal_of(Path(artifact.uri), artifacts)
        if seal is None or not seal.exists():  # of a time or of a runner without seals
            continue
        if seal not in seals:
            seals[seal] = _read(seal)
        written = {
            path: found for path, found in seals[seal].items() if _is_within(path, artifact.uri)
        }
        if _files(Path(artifact.uri)) != written:
            artifact.state = pb.Artifact.DELETED
            damaged.append(artifact)
    if damaged:
        store.put_artifacts(damaged)
    return [artifact.uri for artifact in damaged]


def _seal_of(uri: Path, artifacts: Path) -> Path | None:
    """Where the seal of the execution is that wrote `<artifacts>/<step>/<key>/<execution>[/…]`."""
    if not uri.is_relative_to(artifacts):
        return None
    match uri.relative_to(artifacts).parts:
        case (step, _, execution, *_):
            return artifacts / step / ".system" / "executor_execution" / execution / SEAL
    return None


def _read(seal: Path) -> Files:
    try:
        return json.loads(seal.read_text())
    except ValueError:  # it was the power cut's itself
        return {}


def _is_within(path: str, uri: str) -> bool:
    return path == uri or path.startswith(f"{uri}/")


def _files(uri: Path, *, flush: bool = False) -> Files:
    """Files at an artifact's URI, which is a folder or a file."""
    found = {}
    for folder, _, names in os.walk(uri):
        for name in names:
            found[os.path.join(folder, name)] = _ends(Path(folder) / name, flush)
        if flush:
            _flush(Path(folder))
    if uri.is_file():
        found[str(uri)] = _ends(uri, flush)
        if flush:
            _flush(uri.parent)
    return found


def _ends(path: Path, flush: bool) -> list[int]:
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
