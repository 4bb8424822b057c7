"""Caches of what Beam finds out anew for each transform: a sixth of the time of a run in the tests.

For each of the hundreds of transforms of a step, Beam looks through the methods of the same DoFns
up to eight times, and makes an argument parser for each look at an option (apache-beam 2.77,
transforms/userstate.py and options/pipeline_options.py). What it finds is the same each time. Only
runs in the tests' own process have the caches; a run in a process of its own has Beam as released.
"""

from __future__ import annotations

import weakref
from collections.abc import MutableMapping
from typing import Any

from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.transforms import userstate

_find_specs = userstate.get_dofn_specs
_make_view = PipelineOptions.view_as
_specs: MutableMapping[Any, tuple[set, set]] = weakref.WeakKeyDictionary()
_views: MutableMapping[Any, dict[type, Any]] = weakref.WeakKeyDictionary()


def install() -> None:
    """Installs the caches for all pipelines of this process."""
    userstate.get_dofn_specs = _specs_of
    PipelineOptions.view_as = _view_as


def _specs_of(dofn: Any) -> tuple[set, set]:
    """State and timers of a DoFn: its class defines them, so they stay the same."""
    if type(dofn).__hash__ is not object.__hash__:
        return _find_specs(dofn)
    if dofn not in _specs:
        _specs[dofn] = _find_specs(dofn)
    return _specs[dofn]


def _view_as(options: PipelineOptions, cls: type) -> Any:
    """A view shares its values with the options, so one of each class is enough."""
    views = _views.setdefault(options, {})
    if cls not in views:
        views[cls] = _make_view(options, cls)
    return views[cls]
