"""Beam's measurement of the time spent in a bundle (`BUNDLE_TIMING`)."""

from __future__ import annotations

from apache_beam.runners.worker import statesampler

stock_start = statesampler.StateSampler.start


def install() -> None:
    """From now on a signal cannot leave a thread behind that keeps the process from ending."""
    statesampler.StateSampler.start = _start  # type: ignore[method-assign, assignment]


def _start(sampler: statesampler.StateSampler) -> None:
    """Starts the sampling thread; Beam ends it only if `started` was set, which it does last."""
    try:
        stock_start(sampler)
    except BaseException:
        sampler.started = True
        raise
