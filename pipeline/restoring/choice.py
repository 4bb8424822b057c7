"""Which version a rollback or a promotion means, and whether it can be."""

from __future__ import annotations

import os

from tfxkit.errors import UsageError
from tfxkit.storage import served_model


def for_rollback(serving_dir: str, wanted: int | None) -> int:
    """The version to go back to.

    Args:
        serving_dir: The folder of versions: a local path, or an address like s3://.
        wanted: What the user named. If nothing, the newest version before the served one that is
            another model. A copy that a rollback made counts as what it is a copy of, so two
            rollbacks go back two models, and never forth to one that was rolled back from.

    Raises:
        UsageError: If there is no such version, or it is none to go back to.
    """
    served = _served(serving_dir)
    origin = served_model.origin(_path(serving_dir, served))
    if wanted is None:
        earlier = [
            version
            for version in served_model.complete_versions(serving_dir)
            if version < origin and not _same(serving_dir, version, served)
        ]
        if not earlier:
            raise UsageError(
                f"There is nothing to roll back to: no model in {serving_dir} is older than "
                f"{_named(served, origin)}."
            )
        return earlier[-1]
    _check(serving_dir, wanted)
    if _same(serving_dir, wanted, served):
        raise UsageError(f"Version {wanted} is the model that is served, {_named(served, origin)}.")
    if wanted > origin:
        raise UsageError(
            f"Version {wanted} is newer than what is served, {_named(served, origin)}. To serve it "
            f"all the same: python -m pipeline promote {wanted}"
        )
    return wanted


def for_promotion(serving_dir: str, wanted: int) -> int | None:
    """The version to serve, or None if it is the model that is served.

    Raises:
        UsageError: If there is no such version, or it is damaged.
    """
    served = _served(serving_dir)
    _check(serving_dir, wanted)
    return None if _same(serving_dir, wanted, served) else wanted


def _served(serving_dir: str) -> int:
    complete = served_model.complete_versions(serving_dir)
    if not complete:
        raise UsageError(f"No model has been pushed to {serving_dir}: python -m pipeline run")
    return complete[-1]


def _check(serving_dir: str, version: int) -> None:
    if version not in served_model.versions(serving_dir):
        there = ", ".join(map(str, served_model.complete_versions(serving_dir)))
        raise UsageError(f"There is no version {version} in {serving_dir}; there are: {there}")
    if lacking := served_model.missing(_path(serving_dir, version)):
        raise UsageError(f"Version {version} is damaged: it lacks {', '.join(lacking)}.")


def _same(serving_dir: str, one: int, other: int) -> bool:
    prints = {served_model.fingerprint(_path(serving_dir, version)) for version in (one, other)}
    return len(prints) == 1


def _named(served: int, origin: int) -> str:
    return f"version {served}" if served == origin else f"version {served} (a copy of {origin})"


def _path(serving_dir: str, version: int) -> str:
    return os.path.join(serving_dir, str(version))
