"""Draws time and memory against rows, from what `speed.py --json` and `speed_engine.py` wrote.

    PYTHONPATH=library .venv/bin/python library/benchmarks/speed_plot.py \
        RESULTS.json library/docs/images/scale.svg

The second argument is the picture to write.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib.ticker import EngFormatter, NullLocator

_LINES = (
    ("ours", "this project, direct runner"),
    ("flink", "this project, Flink on the same machine"),
    ("stock", "TFX's taxi template"),
)
_SECONDS = (30, 60, 120, 240, 480)


def main(results: Path, picture: Path) -> None:
    """Reads and draws."""
    mpl.rcParams["svg.hashsalt"] = "speed"  # the same picture of the same numbers
    measured = json.loads(results.read_text())["results"]
    figure, (time, memory) = plt.subplots(1, 2, figsize=(9, 3.5), layout="constrained")
    _draw(time, measured, "seconds", "whole run, seconds")
    _draw(memory, measured, "peak_mib", "peak memory, MiB")
    time.set_yscale("log")
    time.yaxis.set_minor_locator(NullLocator())
    time.set_yticks(_SECONDS, labels=[str(seconds) for seconds in _SECONDS])
    memory.set_ylim(bottom=0)
    memory.yaxis.set_major_formatter("{x:,.0f}")
    memory.legend(frameon=False, loc="center")
    picture.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(picture, metadata={"Date": None})


def _draw(axes: Any, measured: list[dict[str, Any]], key: str, label: str) -> None:
    for who, name in _LINES:
        points = [(one["rows"], one[who]["whole"][key]) for one in measured if who in one]
        if points:
            axes.plot(*zip(*points, strict=True), "o-", label=name)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))  # 100k, 1M, 10M
    axes.set_xlabel("rows")
    axes.set_ylabel(label)
    axes.spines[["top", "right"]].set_visible(False)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
