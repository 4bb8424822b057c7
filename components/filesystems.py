"""Files wherever they are: `tfx.dsl.io.fileio`."""

from __future__ import annotations

from tfx.dsl.io import fileio

__all__ = ["fileio"]
