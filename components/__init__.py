"""The palette: the components that `pipeline/dag.py` builds its steps from.

Yours to change. The DAG imports all components that are not TFX's from here, so a step of your own
takes the place of another by the swap of one line:

    from components.my_evaluator import MyEvaluator as Evaluator

docs/extending.md has a step in ten lines, and `python -m pipeline eject NAME` copies a component of
the library into this folder, for you to edit.
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
