"""A sample of fixed size from a stream: the rows whose number, drawn by a hash, is among the lowest."""

import numpy as np
import pandas as pd
import pyarrow as arrow


class Lowest:
    """Keeps at most `size` rows, in memory for at most a few times as many."""

    HIGHEST = np.uint64(2**64 - 1)

    def __init__(self, size: int) -> None:
        self.size = size
        self._bound = self.HIGHEST if size else np.uint64(0)
        self._numbers: list[np.ndarray] = []
        self._tables: list[arrow.Table] = []

    def takes(self, numbers: pd.Series) -> np.ndarray:
        """Return which rows may be among the lowest; shape (rows,)."""
        return numbers.to_numpy() < self._bound

    def add(self, numbers: pd.Series, table: arrow.Table) -> None:
        """Add the rows that may be among the lowest; `numbers` of shape (rows,)."""
        taken = self.takes(numbers)
        self._numbers.append(numbers.to_numpy()[taken])
        self._tables.append(table.filter(arrow.array(taken)))
        if sum(map(len, self._numbers)) > 3 * self.size:
            self._shrink()

    def kept(self, schema: arrow.Schema) -> arrow.Table:
        """Return the rows, by their number."""
        self._shrink()
        return self._tables[0] if self._tables else schema.empty_table()

    def _shrink(self) -> None:
        if not self._tables:
            return
        numbers = np.concatenate(self._numbers)
        lowest = np.argsort(numbers, kind="stable")[: self.size]
        self._numbers = [numbers[lowest]]
        # A copy: what is left of a table keeps all of it in memory.
        self._tables = [arrow.concat_tables(self._tables).take(lowest).combine_chunks()]
        if len(lowest) == self.size and self.size:
            self._bound = self._numbers[0][-1]
