"""ExampleGen for files in spans: typed by the schema, in a stable order of rows.

The component is imported on first use, since `predict` and `init` use the readers of files without
waiting for all of TFX.
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
