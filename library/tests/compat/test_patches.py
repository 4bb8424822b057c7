"""A patch is for one version of its package, and stands aside on any other."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from pathlib import Path

import apache_beam as beam
import pytest
from apache_beam.runners.worker import statesampler

from tfxkit import compat
from tfxkit.compat import bundle_timing

DOCS = Path(__file__).parents[2] / "docs" / "patches.md"


@pytest.fixture(autouse=True)
def unpatched(monkeypatch):
    """Beam as its authors left it; a run in this process has patched it by now."""
    monkeypatch.setattr(statesampler.StateSampler, "start", bundle_timing.stock_start)


@pytest.mark.parametrize("patch", compat.PATCHES, ids=lambda patch: patch.name)
def test_each_fits_the_locked_version(patch):
    assert patch.fits()
    assert not patch.fits(lambda package: patch.version + "9.0")  # 2.779 is not 2.77


@pytest.mark.parametrize("patch", compat.PATCHES, ids=lambda patch: patch.name)
def test_each_is_in_the_docs_with_its_package_and_version(patch):
    [row] = [line for line in DOCS.read_text().splitlines() if line.startswith(f"| {patch.name} |")]
    assert f"| {patch.package} {patch.version} |" in row


def test_another_version_is_left_alone_and_the_log_says_so_once(caplog):
    caplog.set_level(logging.INFO)
    patch = compat.Patch("a test", "apache-beam", "2.77", "None.", lambda: pytest.fail("applied"))
    for _ in range(2):
        compat.apply(patch, version_of=lambda package: "2.78.0")
    [line] = [record.getMessage() for record in caplog.records if "a test" in record.getMessage()]
    assert line.startswith("apache-beam 2.78.0 is not patched (a test): ")
    assert "was written for 2.77" in line

    compat.apply(compat.BUNDLE_TIMING, version_of=lambda package: "2.78.0")
    assert statesampler.StateSampler.start is bundle_timing.stock_start
    compat.apply(compat.BUNDLE_TIMING)
    assert statesampler.StateSampler.start is not bundle_timing.stock_start


def test_declaring_patches_imports_no_package_that_is_patched():
    program = "import sys, tfxkit.compat; print(*{name.split('.')[0] for name in sys.modules})"
    loaded = subprocess.check_output([sys.executable, "-c", program], text=True)
    assert not {"apache_beam", "tensorflow", "tfx", "tfx_bsl"} & set(loaded.split())


def test_a_signal_while_a_bundle_starts_leaves_no_thread(monkeypatch):
    compat.apply(compat.BUNDLE_TIMING)
    start = threading.Thread.start
    begun = []

    def interrupted(thread: threading.Thread) -> None:
        works_for = getattr(getattr(thread, "_target", None), "__self__", None)
        start(thread)
        if isinstance(works_for, statesampler.StateSampler):
            begun.append(thread)
            raise KeyboardInterrupt

    monkeypatch.setattr(threading.Thread, "start", interrupted)
    with pytest.raises(KeyboardInterrupt), beam.Pipeline("FnApiRunner") as pipeline:
        _ = pipeline | beam.Create([1]) | beam.Map(str)
    assert begun
    for thread in begun:
        thread.join(10)
        assert not thread.is_alive()
