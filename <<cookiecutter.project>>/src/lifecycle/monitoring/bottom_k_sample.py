"""A sample of fixed size from a stream: the rows with the lowest numbers, which are drawn by a hash (bottom-k sampling)."""

import numpy as np
import pyarrow as arrow

HIGHEST = np.uint64(2**64 - 1)


def numbers(keys: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Return a number of 64 bits for each row, spread evenly (the finaliser of SplitMix64; Steele, Lea and Flood, 2014).

    Many rows may have the same id, so it depends on the time as well.

    Args:
        keys: hashes of the ids, uint64, shape (rows,).
        times: as int64, shape (rows,).
    """
    mixed = keys + times.astype(np.uint64)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(mixed ^ (mixed >> np.uint64(31)))


class BottomK:
    """Holds at most `size` rows, and for a while a few times as many."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._bound = HIGHEST if size else np.uint64(0)
        self._numbers: list[np.ndarray] = []
        self._tables: list[arrow.Table] = []

    def takes(self, numbers: np.ndarray) -> np.ndarray:
        """Return which rows may be among the lowest; shape (rows,)."""
        return np.asarray(numbers < self._bound)

    def add(self, numbers: np.ndarray, table: arrow.Table) -> None:
        """Add rows that may be among the lowest; `numbers` of shape (rows,)."""
        self._numbers.append(numbers)
        self._tables.append(table)
        if sum(map(len, self._numbers)) > 3 * self.size:
            self._shrink()

    def rows(self, schema: arrow.Schema) -> arrow.Table:
        """Return the sample, in the order of the numbers."""
        self._shrink()
        return self._tables[0] if self._tables else schema.empty_table()

    def _shrink(self) -> None:
        if not self._tables:
            return
        numbers = np.concatenate(self._numbers)
        lowest = np.argsort(numbers, kind="stable")[: self.size]
        self._numbers = [numbers[lowest]]
        # A copy: what is left of a table holds all of it in memory.
        self._tables = [arrow.concat_tables(self._tables).take(lowest).combine_chunks()]
        if len(lowest) == self.size and self.size:
            self._bound = self._numbers[0][-1]
