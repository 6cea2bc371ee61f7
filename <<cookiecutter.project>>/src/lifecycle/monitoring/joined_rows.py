"""Rows of a table by the ids of answers: the inputs that were scored, or the labels. Only the rows that are asked for are held in memory.

A table in folders `date=...` is joined by id and date, any other by the id alone. An id under which a table has different rows has
none: nobody can tell which it is.
"""

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pandera.pandas as pa
import pyarrow as arrow
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from lifecycle.core.config import Data
from lifecycle.core.content_key import row_keys
from lifecycle.core.csv_format import null_spellings
from lifecycle.core.errors import ConfigError
from lifecycle.core.raw_table import read_raw
from lifecycle.monitoring.table_files import TableFile, table_files
from lifecycle.prediction_log import reader

JOIN = "__join__"
SPARE_ROWS = 50_000  # that may wait until repeated ones are dropped


@dataclass(frozen=True)
class Table:
    """A table to look rows up in."""

    path: str
    option: str
    """That named it."""
    data: Data
    """Of the version: the key, and how a file is written."""
    schema: pa.DataFrameSchema
    """The version's contract."""
    dates: frozenset[str]
    """The folders `date=...` to read, if it has such."""

    def files(self) -> list[TableFile]:
        """Return the files to read. Raises ConfigError if there is no such table, or it has no file."""
        files = table_files(self.path, self.option)
        if not files:
            raise ConfigError(f"{self.option} {self.path}: has no Parquet or CSV file")
        return [file for file in files if file.date is None or file.date in self.dates]

    @property
    def is_dated(self) -> bool:
        """Whether rows are joined by id and date."""
        return any(file.date for file in self.files())

    def has(self, column: str) -> bool:
        """Whether the table has a column."""
        return any(column in file.columns(self.data.csv) for file in self.files()[:1])

    def rows(self, wanted: Iterable[str], columns: list[str]) -> pd.DataFrame:
        """Return the rows of some ids, with the contract's types; the index is the id with which they are joined.

        Raises ConfigError or DataError if the table cannot be read, lacks a column, or a value is not of its type.
        """
        chosen = Chosen(arrow.array(list(wanted), arrow.string()))
        is_csv = False
        for file in self.files():
            is_csv = file.is_csv
            for batch in self._batches(file, columns):
                chosen.add(batch.filter(pc.is_in(batch[JOIN], value_set=chosen.wanted)))
        return self._typed(chosen.rows(), columns, is_csv)

    def labels(self, most: int) -> pd.Series:
        """Return the labels as text, by the id with which they are joined: at most so many, chosen by a hash of the id.

        Raises what `rows` does.
        """
        target, is_csv, labelled = self.data.target, False, arrow.table({})
        bound = np.uint64(2**64 - 1)
        for file in self.files():
            is_csv = file.is_csv
            for batch in self._batches(file, [target]):
                known = pc.invert(pc.is_null(batch[target], nan_is_null=True))
                if is_csv:
                    known = pc.invert(pc.is_in(batch[target], value_set=arrow.array(null_spellings(self.data.csv))))
                batch = batch.filter(known)
                batch = batch.filter(arrow.array(_hashes(batch) <= bound))
                labelled = distinct(_together([labelled, batch])) if labelled.num_rows else distinct(batch)
                if labelled.num_rows > most:
                    hashes = _hashes(labelled)
                    bound = np.partition(hashes, most - 1)[most - 1]
                    labelled = labelled.filter(arrow.array(hashes <= bound))
        labels = self._typed(unambiguous(labelled) if labelled.num_rows else labelled, [target], is_csv)
        return labels[target].map(str)

    def _batches(self, file: TableFile, columns: list[str]) -> Iterable[arrow.Table]:
        """The columns of a file, and JOIN."""
        present = file.columns(self.data.csv)
        made = self.data.id_from if self.data.id not in present else []
        keys = [name for name in made if name in present] or [self.data.id]
        if missing := next((name for name in (*keys, *columns) if name not in present), None):
            raise ConfigError(f"{self.option} {self.path}: {Path(file.path).name} has no column {missing}")
        if made and file.is_csv:
            raise ConfigError(
                f"{self.option} {self.path}: the id is made from the values of a row (data.id_from), which are texts in a CSV file: "
                "give the table as Parquet"
            )
        for batch in file.batches(list(dict.fromkeys([*keys, *columns])), self.data.csv):
            if made:
                ids = arrow.array(row_keys(batch.to_pandas(), made).tolist(), arrow.string())
            else:
                ids = texts(batch[self.data.id])
            yield batch.select(columns).append_column(JOIN, joining(ids, file.date))

    def _typed(self, table: arrow.Table, columns: list[str], is_csv: bool) -> pd.DataFrame:
        """Rows with the contract's types, read from a file in the one way there is to read a table."""
        if not table.num_rows:
            return pd.DataFrame({name: [] for name in columns})
        schema = self.schema.select_columns(columns)
        form = self.data.csv.model_copy(update={"encoding": "utf-8"})
        data = self.data.model_copy(update={"csv": form, "id_from": [], "unlabelled": False})
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"{Path(self.path).stem}{'.csv' if is_csv else '.parquet'}"
            if is_csv:
                options = pyarrow.csv.WriteOptions(delimiter=form.separator)
                pyarrow.csv.write_csv(table.select(columns), path, options)
            else:
                pyarrow.parquet.write_table(table.select(columns), path)
            frame = read_raw(path, schema, data)
        return frame.set_index(pd.Index(table[JOIN].to_pylist()))


class Chosen:
    """The rows of the ids that are wanted, as many as there are ids and a few more."""

    def __init__(self, wanted: arrow.Array) -> None:
        self.wanted = wanted
        self._found: list[arrow.Table] = []

    def add(self, rows: arrow.Table) -> None:
        if rows.num_rows:
            self._found.append(rows)
        if sum(table.num_rows for table in self._found) > 2 * len(self.wanted) + SPARE_ROWS:
            self._shrink()

    def rows(self) -> arrow.Table:
        """Return one row for each id that has one."""
        self._shrink()
        return self._found[0] if self._found else arrow.table({JOIN: arrow.array([], arrow.string())})

    def _shrink(self) -> None:
        """Drop rows that repeat others, and ids with different rows for good."""
        if self._found:
            rows = distinct(_together(self._found))
            self._found = [unambiguous(rows)]
            several = pc.is_in(rows[JOIN], value_set=self._found[0][JOIN].combine_chunks())
            repeated = rows.filter(pc.invert(several))[JOIN].combine_chunks()
            self.wanted = self.wanted.filter(pc.invert(pc.is_in(self.wanted, value_set=repeated)))


def joining(ids: arrow.Array | arrow.ChunkedArray, date: str | None) -> arrow.Array | arrow.ChunkedArray:
    """Return with what rows are joined: the id, or the id and the date."""
    return ids if date is None else pc.binary_join_element_wise(ids, date, "\n")


def texts(ids: arrow.ChunkedArray) -> arrow.ChunkedArray:
    """Return ids as texts."""
    if arrow.types.is_dictionary(ids.type):
        ids = ids.cast(ids.type.value_type)
    return ids.cast(arrow.string())


def distinct(table: arrow.Table) -> arrow.Table:
    """Return rows without those that repeat another."""
    return table.group_by(table.column_names, use_threads=False).aggregate([])


def unambiguous(table: arrow.Table) -> arrow.Table:
    """Return the rows whose id no other row has."""
    counts = table.group_by(JOIN, use_threads=False).aggregate([([], "count_all")])
    single = counts.filter(pc.equal(counts["count_all"], 1))[JOIN]
    return table.filter(pc.is_in(table[JOIN], value_set=single.combine_chunks()))


def _together(tables: list[arrow.Table]) -> arrow.Table:
    return arrow.concat_tables(tables, promote_options="permissive")


def _hashes(table: arrow.Table) -> np.ndarray:
    return reader.keys(table[JOIN].to_pandas())
