"""The files in `configs/`: each overlay loads, and fits schema, code and metrics."""

from __future__ import annotations

import pytest
from tfxkit.testing import load_model_card, load_overlay, overlays


@pytest.mark.usefixtures("described")
@pytest.mark.parametrize("overlay", overlays())
def test_an_overlay_loads_and_fits_the_schema(overlay):
    load_overlay(overlay)  # raises with file, key and problem


@pytest.mark.usefixtures("described")
def test_a_trial_run_does_not_replace_the_served_model():
    assert load_overlay("fast").pipeline != load_overlay("local").pipeline


def test_the_model_card_has_known_keys():
    load_model_card()
