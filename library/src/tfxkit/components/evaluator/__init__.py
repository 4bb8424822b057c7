"""Measures a model as a whole and by slice, and blesses it when all thresholds hold."""

from tfxkit.components.evaluator.component import Evaluator
from tfxkit.components.evaluator.config import eval_config
from tfxkit.components.evaluator.evaluation import read as read_evaluation

__all__ = ["Evaluator", "eval_config", "read_evaluation"]
