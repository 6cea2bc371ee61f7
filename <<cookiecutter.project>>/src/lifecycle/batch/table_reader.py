"""A table on disk, read in batches: Parquet or CSV, one file or a folder of them, partitioned or not."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as arrow
import pyarrow.csv
import pyarrow.dataset
import pyarrow.parquet

from lifecycle.batch.input_files import check_schemas, error_text, input_files, is_csv
from lifecycle.batch.output import NOTHING_WRITTEN
from lifecycle.batch.row_contract import RAGGED
from lifecycle.core.config import Csv
from lifecycle.core.csv_format import parse_options, read_options
from lifecycle.core.errors import DataError

BLOCK = 4_194_304  # bytes of a CSV file that are read at once


class TableReader:
    """The files of a table, read in the order of their names."""

    def __init__(self, path: str, categorical: list[str], form: Csv) -> None:
        """Look up the table's files and columns.

        Args:
            path: a file or a folder.
            categorical: columns with few distinct values.
            form: how a CSV file is written.

        Raises DataError or ConfigError if there is nothing to read.
        """
        self.path, self._categorical = path, categorical
        self._ragged_lines: list[str] = []
        self.files = input_files(path)
        self.is_csv = is_csv(self.files[0])
        try:
            if self.is_csv:
                reading, parsing = read_options(form), parse_options(form)
                reading.block_size, parsing.invalid_row_handler = BLOCK, self._collect
                self._format = arrow.dataset.CsvFileFormat(
                    parse_options=parsing,
                    read_options=reading,
                )
                names = self._dataset().schema.names
                self._table = self._dataset(arrow.schema([(name, arrow.string()) for name in names]))
            else:
                self._format = arrow.dataset.ParquetFileFormat()
                self._table = self._dataset()
        except (arrow.ArrowException, OSError, UnicodeError) as error:
            raise DataError(f"{path}: cannot be read: {error_text(error)}; {NOTHING_WRITTEN}") from None
        self.columns = self._table.schema.names

    def row_count(self) -> int | None:
        """Return the number of rows, or None if counting them would mean reading them."""
        try:
            return None if self.is_csv else int(self._table.count_rows())
        except (arrow.ArrowException, OSError):  # a file that cannot be read: reading it will say which
            return None

    def batches(self, columns: list[str], as_text: list[str], batch_rows: int) -> Iterator[pd.DataFrame]:
        """Yield the table in batches. Raises DataError naming the file that cannot be read or lacks a column.

        Lines of a CSV file with too few or too many values come in the column RAGGED, their other columns null.

        Args:
            columns: those to read.
            as_text: those to convert to text, whatever their type.
            batch_rows: the most rows in a batch.
        """
        self._ragged_lines.clear()  # looking up the columns has already read the first lines
        if not self.is_csv:
            check_schemas(self.files, self.path, columns)
        for fragment in self._table.get_fragments():
            read = self._read_csv if self.is_csv else self._read_parquet
            try:
                for batch in read(fragment, columns, batch_rows):
                    if batch.num_rows:  # integer_object_nulls: a null beside integers does not make them floats
                        yield _with_texts(batch, as_text).to_pandas(split_blocks=True, integer_object_nulls=True)
            except (arrow.ArrowException, OSError, UnicodeError) as error:
                raise DataError(f"{fragment.path}: cannot be read: {error_text(error)}; {NOTHING_WRITTEN}") from None
            if self._ragged_lines:
                lines, self._ragged_lines[:] = list(self._ragged_lines), []
                yield pd.DataFrame({**dict.fromkeys(columns), RAGGED: lines}).astype(dict.fromkeys(columns, "object"))

    def _read_csv(self, fragment: Any, columns: list[str], batch_rows: int) -> Iterator[arrow.RecordBatch]:
        scanner = fragment.scanner(
            schema=self._table.schema, columns=columns, batch_size=batch_rows, batch_readahead=1, fragment_readahead=1
        )
        yield from scanner.to_batches()

    def _read_parquet(self, fragment: Any, columns: list[str], batch_rows: int) -> Iterator[arrow.RecordBatch]:
        """Read one file without Arrow's scanner, whose read-ahead holds more memory the longer the file is."""
        keys = arrow.dataset.get_partition_keys(fragment.partition_expression)
        categorical = [name for name in self._categorical if name in fragment.physical_schema.names]
        with arrow.parquet.ParquetFile(fragment.path, read_dictionary=categorical, pre_buffer=False) as file:
            for batch in file.iter_batches(batch_rows, columns=[name for name in columns if name not in keys]):
                arrays = {
                    name: arrow.repeat(arrow.scalar(keys[name], self._table.schema.field(name).type), batch.num_rows)
                    if name in keys
                    else batch.column(name)
                    for name in columns
                }
                yield arrow.RecordBatch.from_pydict(arrays)

    def _dataset(self, schema: arrow.Schema | None = None) -> Any:
        return arrow.dataset.dataset(
            [str(file) for file in self.files],
            format=self._format,
            schema=schema,
            partitioning="hive",
            partition_base_dir=str(Path(self.path)),
        )

    def _collect(self, row: Any) -> str:
        self._ragged_lines.append(row.text)
        return "skip"


def _with_texts(batch: arrow.RecordBatch, columns: list[str]) -> arrow.RecordBatch:
    for name in columns:
        position = batch.schema.get_field_index(name)
        if not arrow.types.is_string(batch.schema.field(position).type):
            batch = batch.set_column(position, name, batch.column(position).cast(arrow.string()))
    return batch
