"""Selection of a configuration: overlays, single values and folder, as a user chose them.

The command line imports this module for `--help`, so nothing heavy is imported here.
"""

from __future__ import annotations

import dataclasses
import enum
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from tfxkit.errors import UsageError

if TYPE_CHECKING:
    from tfxkit.config.loading import Config

DEFAULT_OVERLAY = "local"
# Subcommands that build the pipeline, and the keys that decide where its outputs are.
_BUILDING, _PLACES = ("run", "submit"), ("outputs", "pipeline")


class Engine(enum.StrEnum):
    """Engine that runs the data steps."""

    DIRECT = "direct"
    FLINK = "flink"
    SPARK = "spark"
    DATAFLOW = "dataflow"


@dataclasses.dataclass(frozen=True)
class ConfigSelection:
    """Files and values that make up a configuration, as a user chose them.

    Attributes:
        overlays: Names of overlays on `base.yaml`; later ones win. None: `default` alone.
        settings: Single values over all files, as `A.B=VALUE`.
        config_dir: The folder of the files; None for the project's own.
        default: The overlay that is used without a choice.
    """

    overlays: tuple[str, ...] | None = None
    settings: tuple[str, ...] = ()
    config_dir: Path | None = None
    default: str = DEFAULT_OVERLAY

    def folder(self) -> Path:
        """Folder of the files.

        Raises:
            UsageError: If it does not exist.
        """
        from tfxkit.config.loading import default_config_dir

        folder = self.config_dir or default_config_dir()
        if not folder.is_dir():
            raise UsageError(f"There is no folder {folder}. Name yours with --config-dir.")
        return folder

    def load(self) -> Config:
        """Reads and checks the configuration.

        Raises:
            UsageError: If the folder does not exist.
            ConfigError: If the configuration is not valid.
        """
        from tfxkit.config.loading import load

        overlays = (self.default,) if self.overlays is None else self.overlays
        return load(self.folder(), overlays, self.settings)

    def command(self, subcommand: str, *arguments: str) -> str:
        """Command line of a subcommand with the same configuration, ready to be pasted.

        Subcommands on runs and models get only the settings that lead to the outputs.
        """
        settings = [
            setting
            for setting in self.settings
            if subcommand in _BUILDING or setting.partition("=")[0] in _PLACES
        ]
        words = ["python", "-m", "pipeline", subcommand, *arguments]
        words += [word for overlay in self.overlays or () for word in ("--config", overlay)]
        words += [word for setting in settings for word in ("--set", setting)]
        words += ["--config-dir", str(self.config_dir)] if self.config_dir else []
        return shlex.join(words)
