"""The palette: the components that `pipeline/dag.py` builds its steps from.

This file is yours to change. The DAG imports every component that is not TFX's from here, so a
change of one line replaces a component with your own:

    from components.my_evaluator import MyEvaluator as Evaluator

docs/extending.md shows a component in ten lines. `python -m pipeline eject NAME` copies a component
of the library into this folder for you to edit.
"""

from tfxkit.components.baseline import Baseline
from tfxkit.components.data_gate import DataGate
from tfxkit.components.evaluator import Evaluator
from tfxkit.components.example_gen import SpanExampleGen
from tfxkit.components.pusher import VersionPusher
from tfxkit.components.serving_check import ServingCheck

from components.announce import Announce

__all__ = [
    "Announce",
    "Baseline",
    "DataGate",
    "Evaluator",
    "ServingCheck",
    "SpanExampleGen",
    "VersionPusher",
]
