"""Imports TFX without what it imports for others: clients of clouds, widgets of notebooks.

That is a third of the time that a run needs to start. Python's garbage collector takes a fifth of
the rest to look through modules, which all stay: so it waits, and leaves them out afterwards too.
"""

from __future__ import annotations

import contextlib
import gc
import sys
import types
from collections.abc import Iterator

# TFX, TFMA, Beam and Keras do without these where they are not installed. Kubernetes is for TFX's
# InfraValidator, which no pipeline of ours has.
_NOT_NEEDED = ("kubernetes", "IPython", "matplotlib", "pymongo", "sklearn")
_CLOUD = "google.cloud"
# TFMA does not do without these: what it shows in notebooks, and a metric of texts.
_FOR_SHOW = (
    "tensorflow_model_analysis.metrics.rouge",
    "tensorflow_model_analysis.view.widget_view",
)


class _Nothing(types.ModuleType):
    """A module in which every name stands for nothing."""

    def __getattr__(self, name: str) -> None:
        if name.startswith("__"):
            raise AttributeError(name)


@contextlib.contextmanager
def lean(config: str) -> Iterator[None]:
    """What is imported first within it is imported without them; they can be imported after it.

    Args:
        config: The configuration of a run on this machine, as text; Google's clients are there if
            it names a place that they are for.
    """
    cloud = () if "gs://" in config else (_CLOUD,)
    hidden: dict[str, types.ModuleType | None] = {
        **dict.fromkeys((*_NOT_NEEDED, *cloud)),
        **{name: _Nothing(name) for name in _FOR_SHOW},
    }
    gc.disable()
    try:
        with _hidden(hidden):
            yield
    finally:
        gc.freeze()
        gc.enable()


def stay_lean() -> None:
    """For a process that only works for others: what TFX does without is never there.

    Google's clients stay, as its data may be there; and IPython, which TFMA does not do without.
    """
    hidden = dict.fromkeys(name for name in _NOT_NEEDED if name != "IPython")
    sys.modules.update(hidden)  # type: ignore[arg-type]


@contextlib.contextmanager
def without_notebook() -> Iterator[None]:
    """For a while there is no IPython, unless it is in use.

    Beam imports it for each of its pipelines, to ask whether it runs in one (beam 2.77,
    utils/interactive_utils.py).
    """
    with _hidden({"IPython": None} if "IPython" not in sys.modules else {}):
        yield


@contextlib.contextmanager
def _hidden(modules: dict[str, types.ModuleType | None]) -> Iterator[None]:
    """Puts others, or nothing, in the place of modules for a while."""
    # Python itself makes google.cloud at its start: it is shared by several packages.
    before = {name: sys.modules[name] for name in modules if name in sys.modules}
    sys.modules.update(modules)  # type: ignore[arg-type]  # None says that there is no such module
    try:
        yield
    finally:
        for name in modules:
            del sys.modules[name]
        sys.modules.update(before)
