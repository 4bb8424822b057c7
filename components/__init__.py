"""The components that `pipeline/dag.py` builds its steps from, and a place for your own.

Those of the library are imported here, and the DAG takes them from here: to put one of your own in
the place of another, swap its line. docs/extending/steps.md has an example.
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
