"""Patches of third-party packages: all of them go through this package.

Each patch names the package, the version that it was written for and the defect. On any other
version it is not applied, with one line in the log, and the package works as released. The table is
on the page `patches`; a patch that is not worth its price there is removed.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable
from importlib import metadata

from tfxkit.errors import documentation

logger = logging.getLogger(__name__)

_left_alone: set[Patch] = set()


@dataclasses.dataclass(frozen=True)
class Patch:
    """A change of an installed package's behaviour.

    Attributes:
        name: In the log and on the page `patches`.
        package: The distribution, as pip names it.
        version: The version that the patch was written for; "2.77" stands for 2.77.0, 2.77.1 ….
        defect: The behaviour of the package, and its place in the source.
        install: Applies the change; may be called twice. None for a class that the caller uses
            instead of the package's if the patch `fits`.
    """

    name: str
    package: str
    version: str
    defect: str
    install: Callable[[], None] | None = None

    def fits(self, version_of: Callable[[str], str] = metadata.version) -> bool:
        """Compares the installed version with the patch's; a difference is logged once.

        Args:
            version_of: Finds the version of a distribution.
        """
        installed = version_of(self.package)
        if f"{installed}.".startswith(f"{self.version}."):
            return True
        if self not in _left_alone:
            _left_alone.add(self)
            logger.warning(
                "%s %s is not patched (%s): the patch was written for %s. See %s.",
                self.package,
                installed,
                self.name,
                self.version,
                documentation("patches"),
            )
        return False


def apply(*patches: Patch, version_of: Callable[[str], str] = metadata.version) -> None:
    """Installs the patches that fit the installed versions.

    Args:
        patches: The patches.
        version_of: Finds the version of a distribution.
    """
    for patch in patches:
        if patch.install is not None and patch.fits(version_of):
            patch.install()


def _read_examples_in_batches() -> None:
    from tfxkit.compat import example_reading

    example_reading.install()


def _end_sampling_threads() -> None:
    from tfxkit.compat import bundle_timing

    bundle_timing.install()


EXAMPLE_READING = Patch(
    name="example reading",
    package="tfx-bsl",
    version="1.21",
    defect="Takes TFRecords apart and makes batches row by row, in Python "
    "(tfxio/record_based_tfxio.py).",
    install=_read_examples_in_batches,
)
BUNDLE_TIMING = Patch(
    name="bundle timing",
    package="apache-beam",
    version="2.77",
    defect="A signal while a bundle begins leaves a thread that never ends, and the process with "
    "it (runners/worker/statesampler.py).",
    install=_end_sampling_threads,
)
SEALED_OUTPUTS = Patch(
    name="sealed outputs",
    package="tfx",
    version="1.21",
    defect="Reuses an output whose folder exists, whatever a power cut has left in it, and has "
    "Beam's arguments in a step's cache key (orchestration/portable/launcher.py, cache_utils.py).",
)
BEAM = (EXAMPLE_READING, BUNDLE_TIMING)  # for each process that builds pipelines of Beam
PATCHES = (EXAMPLE_READING, BUNDLE_TIMING, SEALED_OUTPUTS)
