"""The components that the DAG of the tests is built from."""

from components.announce import Announce
from tfxkit.components.baseline import Baseline
from tfxkit.components.data_gate import DataGate
from tfxkit.components.evaluator import Evaluator
from tfxkit.components.example_gen import SpanExampleGen
from tfxkit.components.pusher import VersionPusher
from tfxkit.components.serving_check import ServingCheck

__all__ = [
    "Announce",
    "Baseline",
    "DataGate",
    "Evaluator",
    "ServingCheck",
    "SpanExampleGen",
    "VersionPusher",
]
