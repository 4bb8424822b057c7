"""How Beam builds and starts the pipeline of a step: what it asks about an object, it asks once.

For each of the hundreds of transforms of a step, Beam looks through the methods of the same DoFns
up to eight times, and makes an argument parser for each look at an option (apache-beam 2.77,
transforms/userstate.py and options/pipeline_options.py). Together that is two seconds of a run.

It also mends what would keep an interrupted process from ending: see `_start`.
"""

from __future__ import annotations

import weakref
from collections.abc import MutableMapping
from typing import Any

from apache_beam.options import pipeline_options
from apache_beam.runners.worker import statesampler
from apache_beam.transforms import userstate

_find_specs = userstate.get_dofn_specs
_make_view = pipeline_options.PipelineOptions.view_as
_start_sampler = statesampler.StateSampler.start
_specs: MutableMapping[Any, tuple[set, set]] = weakref.WeakKeyDictionary()
_views: MutableMapping[Any, dict[type, Any]] = weakref.WeakKeyDictionary()


def install() -> None:
    """From now on all pipelines of this process are built so."""
    statesampler.StateSampler.start = _start  # type: ignore[method-assign, assignment]


def _specs_of(dofn: Any) -> tuple[set, set]:
    """State and timers of a DoFn: what its class says, so they stay the same."""
    if type(dofn).__hash__ is not object.__hash__:
        return _find_specs(dofn)
    if dofn not in _specs:
        _specs[dofn] = _find_specs(dofn)
    return _specs[dofn]


def _view_as(options: pipeline_options.PipelineOptions, cls: type) -> Any:
    """A view shares its values with what it is a view of, so one of each kind is enough."""
    views = _views.setdefault(options, {})
    if cls not in views:
        views[cls] = _make_view(options, cls)
    return views[cls]


def _start(sampler: statesampler.StateSampler) -> None:
    """Starts the thread that looks at what a bundle spends its time on.

    Beam ends it only if it knows that it has begun. A signal that comes in between would leave a
    thread that never ends, and with it the process (apache-beam 2.77, runners/worker/
    statesampler.py).
    """
    try:
        _start_sampler(sampler)
    except BaseException:
        sampler.started = True
        raise
