"""Measures a model as a whole and by slice, and blesses it when all thresholds hold."""

from components.evaluator.component import Evaluator
from components.evaluator.config import eval_config

__all__ = ["Evaluator", "eval_config"]
