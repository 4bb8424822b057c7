"""Uniform random sample of rows, of bounded size."""

from __future__ import annotations

import numpy as np

_SLACK = 1.25  # factor by which the sample may exceed its size before rows are dropped
_CHANCE = ""  # the name of a column that no feature has


class RowSample:
    """Takes batches of rows and keeps some, in their order; all while there are few."""

    def __init__(self, most: int, seed: int) -> None:
        """Starts with none.

        Args:
            most: Size of the sample.
            seed: Of the choice; the same rows in the same order give the same sample.
        """
        self._most = most
        self._random = np.random.default_rng(seed)
        self._bound = 1.0
        self._batches: list[dict[str, np.ndarray]] = []
        self._rows = 0

    def add(self, columns: dict[str, np.ndarray]) -> None:
        """Takes a batch.

        Args:
            columns: By name, with a row in the first dimension; of the same kind each time.
        """
        rows = len(next(iter(columns.values())))
        chance = self._random.random(rows)
        kept = np.flatnonzero(chance < self._bound)
        if len(kept):
            batch = {**columns, _CHANCE: chance}
            self._batches.append({name: values[kept] for name, values in batch.items()})
        self._rows += len(kept)
        if self._rows > self._most * _SLACK:
            self._let_go()

    def table(self) -> dict[str, np.ndarray]:
        """The rows that are kept, as one array for each column; empties the sample."""
        if self._rows > self._most:
            self._let_go()
        table = self._joined()
        table.pop(_CHANCE, None)
        return table

    def _let_go(self) -> None:
        """Keeps the rows with the smallest chances: whoever comes later has to be below them."""
        table = self._joined()
        chance = table[_CHANCE]
        self._bound = np.partition(chance, self._most)[self._most]
        kept = chance < self._bound
        self._batches = [{name: table.pop(name)[kept] for name in list(table)}]
        self._rows = int(kept.sum())

    def _joined(self) -> dict[str, np.ndarray]:
        names = list(self._batches[0]) if self._batches else []
        # Column by column, so that no more than one is there twice.
        table = {
            name: np.concatenate([batch.pop(name) for batch in self._batches]) for name in names
        }
        self._batches = []
        return table
