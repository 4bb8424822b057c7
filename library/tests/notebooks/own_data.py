"""Small data sets of other kinds than the sample, with names that some layer would stumble over."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

ROWS = 300
SETTINGS = """
model: {members: 2, width: 32}
train: {epochs: 10, batch_size: 32, learning_rate: 0.01}
"""


def write(file: Path, task: str) -> None:
    """Writes a CSV whose label, `price; €`, is a number or one of three words."""
    random = np.random.default_rng(1)
    with file.open("w", newline="", encoding="utf-8") as text:
        writer = csv.writer(text)
        writer.writerow(["größe $x^$ (cm)", "<b>kind</b>", "1st day", "remark", "price; €"])
        for i in range(ROWS):
            size, kind = random.normal(170, 10), random.choice(["a", "b; c", "$\\frac{"])
            words = random.choice(["hübsch", "alt", "neu und hübsch", "weder noch"])
            price = 1000 + 2 * (size - 170) + 30 * (kind == "a") + 20 * ("hübsch" in words)
            named = ["low", "middle", "<i>high</i>"][int(np.digitize(price, [1005, 1035]))]
            writer.writerow(
                [
                    "" if i % 20 == 7 else f"{size:.1f}",
                    kind,
                    f"2024-0{i % 9 + 1}-{i % 28 + 1:02}",
                    f"Es ist {words}, und Nummer {random.integers(100)} von vielen.",
                    f"{price:.2f}" if task == "regression" else named,
                ]
            )
