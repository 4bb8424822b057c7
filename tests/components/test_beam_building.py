"""What Beam is told about DoFns and options stays what it would find out itself."""

from __future__ import annotations

import threading

import apache_beam as beam
import pytest
from apache_beam.coders import VarIntCoder
from apache_beam.options import pipeline_options
from apache_beam.runners.worker import statesampler
from apache_beam.transforms import userstate

from components import beam_building


@pytest.fixture
def looked_through(monkeypatch) -> list[object]:
    """The DoFns that Beam looks through from here on."""
    seen: list[object] = []
    stock = beam_building._find_specs  # a run in this process has replaced Beam's by now

    def watched(dofn: object):
        seen.append(dofn)
        return stock(dofn)

    monkeypatch.setattr(beam_building, "_find_specs", watched)
    monkeypatch.setattr(userstate, "get_dofn_specs", stock)
    view_as = beam_building._make_view
    monkeypatch.setattr(pipeline_options.PipelineOptions, "view_as", view_as)
    monkeypatch.setattr(statesampler.StateSampler, "start", beam_building._start_sampler)
    beam_building.install()
    return seen


class _Counting(beam.DoFn):
    STATE = userstate.ReadModifyWriteStateSpec("count", VarIntCoder())

    def process(self, element, count=beam.DoFn.StateParam(STATE)):  # noqa: B008 (Beam reads it)
        number = (count.read() or 0) + 1
        count.write(number)
        yield element[0], number


class _Equal(beam.DoFn):  # noqa: PLW1641 (that is what it is for)
    """All of them are alike, and none can be a key."""

    def __eq__(self, other):
        return isinstance(other, _Equal)

    def process(self, element):
        yield element


def test_each_dofn_is_looked_through_once(looked_through):
    with beam.Pipeline("FnApiRunner") as pipeline:
        numbers = pipeline | beam.Create([("a", 0), ("b", 0), ("a", 0)]) | beam.ParDo(_Equal())
        counted = numbers | beam.ParDo(_Counting()) | beam.Map(str)
        _ = counted | beam.combiners.ToList() | beam.Map(_check)
    once = [dofn for dofn in looked_through if not isinstance(dofn, _Equal)]
    assert once
    assert len(set(map(id, once))) == len(once)


def _check(counted: list[str]) -> None:
    assert sorted(counted) == ["('a', 1)", "('a', 2)", "('b', 1)"]


def test_a_view_has_what_is_set_in_another(looked_through):
    options = pipeline_options.PipelineOptions(["--runner=DirectRunner", "--streaming"])
    standard = options.view_as(pipeline_options.StandardOptions)
    assert standard.streaming
    standard.streaming = False
    again = options.view_as(pipeline_options.StandardOptions)
    assert not again.streaming
    assert again is standard
    others = pipeline_options.PipelineOptions(["--runner=PrismRunner"])
    assert others.view_as(pipeline_options.StandardOptions).runner == "PrismRunner"


def test_a_signal_while_a_bundle_starts_leaves_no_thread(looked_through, monkeypatch):
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
