"""Beam's measurement of the time spent in a bundle (`BUNDLE_TIMING`)."""

from __future__ import annotations

from apache_beam.runners.worker import statesampler

stock_start = statesampler.StateSampler.start


def install() -> None:
    """Makes the sampler leave no thread behind that outlives a signal and blocks the process."""
    statesampler.StateSampler.start = _start  # type: ignore[method-assign, assignment]


def _start(sampler: statesampler.StateSampler) -> None:
    """Starts the sampling thread; Beam ends it only if `started` is set, and sets that last."""
    try:
        stock_start(sampler)
    except BaseException:
        sampler.started = True
        raise
