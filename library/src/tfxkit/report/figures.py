"""Figures as inline SVG, in the fonts of the page and its colours in light, dark and print.

matplotlib has no colours that change later. So each role of a colour is drawn in a stand-in,
which is then replaced by the variable of the style sheet.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import matplotlib as mpl
from markupsafe import Markup, escape
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

INK, MUTED, RULE = "#0a0b01", "#0a0b02", "#0a0b03"
MODEL, SERVED, PAPER = "#0a0b04", "#0a0b05", "#0a0b06"
# Classes, each in its own colour and dash.
SERIES = ("#0a0b11", "#0a0b12", "#0a0b13", "#0a0b14", "#0a0b15", "#0a0b16")
DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 2)))
_VARIABLES = {
    INK: "--ink",
    MUTED: "--muted",
    RULE: "--rule",
    MODEL: "--model",
    SERVED: "--served",
    PAPER: "--paper",
    **{colour: f"--series-{number}" for number, colour in enumerate(SERIES, 1)},
}
_STYLE: Any = {
    "svg.fonttype": "none",  # text stays text: searchable, in the reader's font
    "svg.hashsalt": "report",  # reproducible ids
    "text.parse_math": False,  # a dollar sign is no formula
    "font.size": 10,
    "axes.labelsize": 10,
    "text.color": INK,
    "axes.edgecolor": RULE,
    "axes.labelcolor": MUTED,
    "xtick.color": RULE,
    "ytick.color": RULE,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": RULE,
    "grid.linewidth": 0.5,
    "axes.axisbelow": True,
    "lines.linewidth": 1.8,
}
_SIZE = (4.4, 3.2)  # inches; the page scales it


@contextmanager
def axes(x: str, y: str) -> Iterator[Axes]:
    """Figure with one pair of axes in the style of the page; draw on it, then call `svg`."""
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=_SIZE, layout="constrained", facecolor="none")
        FigureCanvasSVG(figure)
        pair = figure.add_subplot(facecolor="none")
        pair.set_xlabel(x)
        pair.set_ylabel(y)
        yield pair


def svg(pair: Axes, key: str, title: str, description: str) -> Markup:
    """Renders the figure as an element of the page, inside the context of `axes`.

    Args:
        pair: The axes of the figure.
        key: Unique in the page; becomes part of the ids in the figure.
        title: Accessible name of the figure.
        description: Its content in words.
    """
    file = io.StringIO()
    cast(Figure, pair.figure).savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    text = file.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"(?s)<metadata>.*?</metadata>|<style.*?</style>", "", text)
    # Several figures share a page, and matplotlib gives them the same ids.
    text = re.sub(r'\bid="', f'id="{key}-', text)
    text = re.sub(r'(xlink:href="|url\()#', rf"\g<1>#{key}-", text)
    text = re.sub(r"'DejaVu Sans'[^;\"]*", "var(--sans)", text)
    for colour, variable in _VARIABLES.items():
        text = text.replace(colour, f"var({variable})")
    view = text[text.index("viewBox=") :].split(">")[0]
    inside = text[text.index(">") + 1 :]
    head = (
        f'<svg class="figure" role="img" aria-labelledby="{key}-title {key}-desc" {view} '
        'xmlns:xlink="http://www.w3.org/1999/xlink">'
        f'<title id="{key}-title">{escape(title)}</title>'
        f'<desc id="{key}-desc">{escape(description)}</desc>'
    )
    # matplotlib escapes the texts that it draws, and the two above are escaped here.
    return Markup(head + inside)  # noqa: S704
