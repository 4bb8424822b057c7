"""Beam's pipelines are built alike with the caches of the tests and without."""

from __future__ import annotations

import apache_beam as beam
import pytest
from apache_beam.coders import VarIntCoder
from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions
from apache_beam.testing.util import assert_that, equal_to
from apache_beam.transforms import userstate

from tests import beam_caches

STATE = userstate.ReadModifyWriteStateSpec("count", VarIntCoder())


class Counting(beam.DoFn):
    def process(self, element, count=beam.DoFn.StateParam(STATE)):  # noqa: B008 - Beam reads it
        number = (count.read() or 0) + 1
        count.write(number)
        yield element[0], number


class Equal(beam.DoFn):  # noqa: PLW1641
    """Each equals another, and none can be a key."""

    def __eq__(self, other):
        return isinstance(other, Equal)

    def process(self, element):
        yield element


@pytest.fixture(autouse=True)
def cached(monkeypatch):
    """The caches, until the test ends."""
    monkeypatch.setattr(userstate, "get_dofn_specs", userstate.get_dofn_specs)
    monkeypatch.setattr(PipelineOptions, "view_as", PipelineOptions.view_as)
    beam_caches.install()


def test_state_is_found():
    with beam.Pipeline("FnApiRunner") as pipeline:
        pairs = pipeline | beam.Create([("a", 0), ("b", 0), ("a", 0)]) | beam.ParDo(Equal())
        counted = pairs | beam.ParDo(Counting())
        assert_that(counted, equal_to([("a", 1), ("a", 2), ("b", 1)]))


def test_a_view_has_what_is_set_in_another():
    options = PipelineOptions(["--runner=DirectRunner", "--streaming"])
    standard = options.view_as(StandardOptions)
    assert standard.streaming
    standard.streaming = False
    assert not options.view_as(StandardOptions).streaming
    others = PipelineOptions(["--runner=PrismRunner"])
    assert others.view_as(StandardOptions).runner == "PrismRunner"
