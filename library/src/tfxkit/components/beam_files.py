"""Removes the folders that Beam leaves beside the files that it writes."""

from __future__ import annotations

import os

from tfxkit.storage.filesystems import fileio

_TEMPORARY = "beam-temp-"  # apache-beam 2.77, io/filebasedsink.py, _create_temp_dir


def remove_temporary(uri: str) -> None:
    """Removes the folders in which files were before they got their names.

    Beam removes the one that it used. An engine that runs the beginning of a write twice, as Flink
    does, leaves another one, empty, which whoever reads all that is in a split takes for data.

    Args:
        uri: Of an artifact whose job is done.
    """
    for folder, names, _ in list(fileio.walk(uri)):
        for name in names:
            if name.startswith(_TEMPORARY):
                fileio.rmtree(os.path.join(folder, name))
