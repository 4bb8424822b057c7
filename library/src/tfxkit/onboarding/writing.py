"""Puts the new files in their places: all of them or none, and the old ones kept."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tfxkit.config import loading as config
from tfxkit.errors import UsageError
from tfxkit.onboarding.committed import uncommitted
from tfxkit.onboarding.source import Source, suffix
from tfxkit.runs import validation

SETTLED = ("local", "fast")  # overlays that must hold as well


def place_of(source: Source, root: Path) -> Path:
    """The folder of spans that a run will read: the one that was named, or one in the project."""
    return source.spans.resolve() if source.spans else root / "data" / source.name


def as_configured(path: Path, root: Path) -> str:
    """A path as the configuration writes it: from the project's folder on, if it lies in there."""
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


def refuse_existing(config_dir: Path, names: Sequence[str], data: Path | None) -> None:
    """Refuses to replace what is there already, unless git has the very same.

    Args:
        config_dir: The folder of configurations.
        names: The files that would be written there.
        data: The folder that the data would be copied to, if it would.

    Raises:
        UsageError: If one of them is there.
    """
    existing = [name for name in names if (config_dir / name).exists()]
    there = [config_dir / name for name in uncommitted(config_dir, existing)]
    there += [data] if data and data.exists() else []
    if there:
        shown = "\n".join(f"  {path}" for path in there)
        raise UsageError(
            f"These are there already, and not in git as they are:\n{shown}\n"
            "--force puts new ones in their place; the old ones are kept beside them."
        )


def check(config_dir: Path, texts: Mapping[str, str]) -> None:
    """Loads the new files as a run would, together with the overlays that are there.

    Raises:
        ConfigError: If they do not hold: a fault of this package.
    """
    with tempfile.TemporaryDirectory() as folder:
        trial = Path(folder, "configs")
        trial.mkdir()
        for path in config_dir.glob("*.yaml"):
            shutil.copy(path, trial)
        for name, content in texts.items():
            (trial / name).write_text(content, encoding="utf-8")
        for overlay in SETTLED:
            if (trial / f"{overlay}.yaml").exists():
                validation.check_schema(config.load(trial, [overlay]), trial)


def write(config_dir: Path, texts: Mapping[str, str], source: Source, data: Path) -> Path | None:
    """Copies the data, unless it is used where it lies, then replaces the files.

    Args:
        config_dir: The folder of configurations.
        texts: By name of the file.
        source: The data.
        data: The folder of spans, see `place_of`.

    Returns:
        The folder that keeps the old files, if there were any.
    """
    stamp = time.strftime("%Y%m%d-%H%M%S")
    if source.spans is None:
        _copy(source, data, stamp)
    kept = config_dir / f"before-init-{stamp}"
    for name in texts:
        if (config_dir / name).exists():
            kept.mkdir(exist_ok=True)
            shutil.copy2(config_dir / name, kept / name)
    with tempfile.TemporaryDirectory(dir=config_dir, prefix=".init-") as folder:
        for name, content in texts.items():
            Path(folder, name).write_text(content, encoding="utf-8")
        for name in texts:
            os.replace(Path(folder, name), config_dir / name)
    return kept if kept.exists() else None


def _copy(source: Source, data: Path, stamp: str) -> None:
    """Under names that ExampleGen knows; whole before it has its name."""
    data.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=data.parent, prefix=f".{data.name}-") as folder:
        whole = Path(folder, data.name)
        (whole / "span-1").mkdir(parents=True)
        for number, path in enumerate(source.files):
            target = whole / "span-1" / f"{path.name.split('.')[0] or number}{suffix(path)}"
            if target.exists():  # a.txt beside a.csv
                target = target.with_name(f"{number}-{target.name}")
            shutil.copyfile(path, target)
        if data.exists():
            data.rename(data.with_name(f"{data.name}-before-init-{stamp}"))
        whole.rename(data)
