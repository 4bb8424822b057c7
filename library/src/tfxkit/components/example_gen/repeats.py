"""Estimates how many rows are repeats of others, in one pass and in little memory.

Of all the hashes of rows the smallest K are kept, with how often each came. Which rows have them is
chance, so they are a sample of the distinct rows, and their counts say how often one comes.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping

# The standard error of an estimate of 0.5 is 0.015; below K distinct rows it is exact.
K = 1024

Sketch = dict[str, int]  # hash in hexadecimal digits -> how often it came


class Repeats:
    """Takes the hashes of rows."""

    def __init__(self) -> None:
        """Starts without any."""
        self._counts: dict[int, int] = {}
        self._largest: list[int] = []  # a heap of the negative hashes

    def add(self, row_hash: int, times: int = 1) -> None:
        """Counts a row."""
        if row_hash in self._counts:
            self._counts[row_hash] += times
        elif len(self._counts) < K:
            self._counts[row_hash] = times
            heapq.heappush(self._largest, -row_hash)
        elif row_hash < -self._largest[0]:
            del self._counts[-heapq.heappushpop(self._largest, -row_hash)]
            self._counts[row_hash] = times

    def add_all(self, row_hashes: Iterable[int]) -> None:
        """Counts rows."""
        for row_hash in row_hashes:
            self.add(row_hash)

    def sketch(self) -> Sketch:
        """What is kept, to be merged with what other files have."""
        return {f"{row_hash:x}": times for row_hash, times in self._counts.items()}


def merged(sketches: Iterable[Mapping[str, int]]) -> Sketch:
    """The sketch of all rows.

    Args:
        sketches: Of the parts of the data. A hash among the smallest of all is among the smallest
            of each part that has it, so nothing is lost.
    """
    whole = Repeats()
    for sketch in sketches:
        for digits, times in sketch.items():
            whole.add(int(digits, 16), times)
    return whole.sketch()


def repeated_share(sketches: Iterable[Mapping[str, int]]) -> float:
    """The share of rows that are there already.

    Args:
        sketches: Of the parts of the data.

    Returns:
        0 if no row comes twice, a half if each does.
    """
    counts = merged(sketches).values()
    return 1.0 - len(counts) / sum(counts) if counts else 0.0
