"""ExampleGen of this project: CSV and Parquet in spans, typed by the schema, in a stable order.

`SpanExampleGen` is imported when it is asked for: `predict` and `init` read files as it does, and
need not wait for all of TFX.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tfxkit.components.example_gen.component import SpanExampleGen

__all__ = ["SpanExampleGen"]


def __getattr__(name: str) -> Any:
    """Imports the component."""
    if name != "SpanExampleGen":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from tfxkit.components.example_gen.component import SpanExampleGen

    return SpanExampleGen
