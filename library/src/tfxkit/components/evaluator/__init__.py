"""Evaluation of a model as a whole and by slice, with thresholds for its blessing."""

from tfxkit.components.evaluator.component import Evaluator
from tfxkit.components.evaluator.config import eval_config
from tfxkit.components.evaluator.evaluation import read_evaluation

__all__ = ["Evaluator", "eval_config", "read_evaluation"]
