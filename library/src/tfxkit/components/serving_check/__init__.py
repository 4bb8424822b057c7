"""Check of the exported model in a fresh process, like a model server, before it is pushed."""

from tfxkit.components.serving_check.component import ServingCheck
from tfxkit.components.serving_check.verdict import RESULT_FILE

__all__ = ["RESULT_FILE", "ServingCheck"]
