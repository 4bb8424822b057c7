"""Writes the new files: all of them or none, and keeps the old ones."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tfxkit.config import loading as config
from tfxkit.errors import UsageError
from tfxkit.onboarding.source import Source, suffix
from tfxkit.runs import validation

SETTLED = ("local", "fast")  # overlays that must hold as well


def data_folder(source: Source, root: Path) -> Path:
    """Folder of spans that a run will read: the named one, or one in the project."""
    return source.spans.resolve() if source.spans else root / "data" / source.name


def configured_path(path: Path, root: Path) -> str:
    """Path for the configuration: relative to the project's folder, if it lies inside."""
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


def refuse_existing(config_dir: Path, names: Sequence[str], data: Path | None) -> None:
    """Refuses to replace existing files, unless they equal git's last commit.

    Args:
        config_dir: The folder of configurations.
        names: Files to write there.
        data: Folder to copy the data to; None if the data stays in its place.

    Raises:
        UsageError: If a file or the folder exists.
    """
    existing = [name for name in names if (config_dir / name).exists()]
    paths = [config_dir / name for name in uncommitted(config_dir, existing)]
    paths += [data] if data and data.exists() else []
    if paths:
        shown = "\n".join(f"  {path}" for path in paths)
        raise UsageError(
            f"These are there already, and not in git as they are:\n{shown}\n"
            "--force puts new ones in their place; the old ones are kept beside them."
        )


def check_files(config_dir: Path, texts: Mapping[str, str]) -> None:
    """Loads the new files as a run would, together with the existing overlays.

    Raises:
        ConfigError: If they are invalid: a bug of this package.
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


def write_files(
    config_dir: Path, texts: Mapping[str, str], source: Source, data: Path
) -> Path | None:
    """Copies the data, unless it stays in its place, then replaces the files.

    Args:
        config_dir: The folder of configurations.
        texts: Texts by name of the file.
        source: The data.
        data: The folder of spans, see `data_folder`.

    Returns:
        The folder that keeps the old files; None without any.
    """
    stamp = time.strftime("%Y%m%d-%H%M%S")
    if source.spans is None:
        _copy_data(source, data, stamp)
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


def _copy_data(source: Source, data: Path, stamp: str) -> None:
    """Copies the data, under names that ExampleGen reads; the folder appears complete."""
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


def uncommitted(folder: Path, names: Sequence[str]) -> list[str]:
    """Finds the files with content that git's last commit lacks.

    Args:
        folder: Their folder; need not be in a repository.
        names: Names of existing files.

    Returns:
        Names of the files that were changed, staged or never committed; all names without a
        repository, or without git.
    """
    if not names:
        return []
    listing = ["status", "--porcelain", "-z", "--ignored", "--untracked-files=all", "--no-renames"]
    command = ["git", "-C", str(folder), *listing, "--", *names]
    try:
        status = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return list(names)
    # Paths start at the repository's root; the first three characters are the state of the file.
    departing = {Path(entry[3:]).name for entry in status.split("\0") if entry}
    # An ignored folder is listed in place of its files.
    return [name for name in names if departing - set(names) or name in departing]
