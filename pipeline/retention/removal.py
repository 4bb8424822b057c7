"""Removes what a plan says, in an order that leaves nothing half there if it is interrupted."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Sequence
from pathlib import Path

from ml_metadata.proto import metadata_store_pb2 as pb

from components.pusher import local_folder
from pipeline.metadata_store import open_store
from pipeline.outputs import Outputs
from pipeline.retention.plan import Plan

SIZE_UNITS = ("B", "kB", "MB", "GB", "TB")
_STEP = 1000


def remove(plan: Plan, outputs: Outputs) -> None:
    """Removes; the pipeline's lock must be held.

    Raises:
        OSError: If something cannot be removed.
    """
    if plan.versions:
        with local_folder.locked(str(outputs.serving)):
            for folder in plan.versions:
                # A model server sees it whole or not at all; the next push removes what is left.
                hidden = folder.with_name(f".{folder.name}.{uuid.uuid4().hex}")
                folder.rename(hidden)
                shutil.rmtree(hidden)
    # First forgotten, then removed: what is not there must not be taken for a cached result.
    _forget(outputs.metadata, plan.forgotten)
    for folder in (*plan.artifacts, *plan.runs):
        shutil.rmtree(folder)


def size(folders: Sequence[Path]) -> str:
    """How much is in some folders, for a person."""
    total = float(
        sum(
            file.lstat().st_size
            for folder in folders
            for file in folder.rglob("*")
            if not file.is_dir()
        )
    )
    for unit in SIZE_UNITS:
        if total < _STEP or unit == SIZE_UNITS[-1]:
            break
        total /= _STEP
    return f"{total:.0f} {unit}"


def _forget(metadata_file: Path, artifact_ids: Sequence[int]) -> None:
    if not artifact_ids:
        return
    store = open_store(metadata_file, write=True)
    artifacts = store.get_artifacts_by_id(artifact_ids)
    for artifact in artifacts:
        artifact.state = pb.Artifact.DELETED
    store.put_artifacts(artifacts)
