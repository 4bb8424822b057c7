"""ExampleGen of this library: CSV and Parquet in spans, typed by the schema, in a stable order.

The component is imported when it is first named: `predict` and `init` read files as it does, and
need not wait for all of TFX.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tfxkit.components.example_gen.component import SpanExampleGen

__all__ = ["SpanExampleGen"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from tfxkit.components.example_gen import component

    return getattr(component, name)
