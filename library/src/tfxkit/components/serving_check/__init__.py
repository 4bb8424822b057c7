"""Tries the exported model as a model server would, before it is pushed."""

from tfxkit.components.serving_check.component import ServingCheck
from tfxkit.components.serving_check.result import RESULT_FILE

__all__ = ["RESULT_FILE", "ServingCheck"]
