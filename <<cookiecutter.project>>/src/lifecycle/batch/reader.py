"""A table on disk, read a batch at a time: Parquet or CSV, a file or a folder of them, partitioned or not."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as arrow
import pyarrow.csv
import pyarrow.dataset
import pyarrow.parquet

from lifecycle.batch.input_files import check_parts, is_csv, parts, short
from lifecycle.batch.output import NOTHING
from lifecycle.batch.score_rows import RAGGED
from lifecycle.core.errors import DataError

BLOCK = 4_194_304  # bytes of a CSV file that are read at once


class Source:
    """The files of a table, in the order of their names."""

    def __init__(self, path: str, categories: list[str]) -> None:
        """`categories`: columns whose texts are few. Raises DataError or ConfigError if there is nothing to read."""
        self.path, self.ragged, self._categories = path, list[str](), categories
        self.files = parts(path)
        self.text = is_csv(self.files[0])
        try:
            if self.text:
                self._format = arrow.dataset.CsvFileFormat(
                    parse_options=arrow.csv.ParseOptions(newlines_in_values=True, invalid_row_handler=self._keep),
                    read_options=arrow.csv.ReadOptions(block_size=BLOCK),
                )
                names = self._dataset().schema.names
                self._table = self._dataset(arrow.schema([(name, arrow.string()) for name in names]))
            else:
                self._format = arrow.dataset.ParquetFileFormat()
                self._table = self._dataset()
        except (arrow.ArrowInvalid, OSError) as error:
            raise DataError(f"{path}: cannot be read: {short(error)}; {NOTHING}") from None
        self.columns = self._table.schema.names

    def rows(self) -> int | None:
        """Return how many rows there are, if that is cheap to know."""
        try:
            return None if self.text else int(self._table.count_rows())
        except (arrow.ArrowException, OSError):  # a file that cannot be read: reading it will say which
            return None

    def frames(self, names: list[str], texts: list[str], rows: int) -> Iterator[pd.DataFrame]:
        """Yield the named columns a batch at a time. Raises DataError naming the file that cannot be read, or lacks one.

        Args:
            names: the columns.
            texts: those to be given as texts, whatever they are.
            rows: the most in a batch.
        """
        self.ragged.clear()  # looking for the columns has met the first lines already
        if not self.text:
            check_parts(self.files, self.path, names)
        for fragment in self._table.get_fragments():
            batches = self._csv(fragment, names, rows) if self.text else self._parquet(fragment, names, rows)
            try:
                for batch in batches:
                    if batch.num_rows:  # whole numbers stay whole numbers, whatever is missing beside them
                        yield _as_texts(batch, texts).to_pandas(split_blocks=True, integer_object_nulls=True)
            except (arrow.ArrowException, OSError) as error:
                raise DataError(f"{fragment.path}: cannot be read: {short(error)}; {NOTHING}") from None
            if self.ragged:
                lines, self.ragged[:] = list(self.ragged), []
                yield pd.DataFrame({**dict.fromkeys(names), RAGGED: lines}).astype(dict.fromkeys(names, "object"))

    def _csv(self, fragment: Any, names: list[str], rows: int) -> Iterator[arrow.RecordBatch]:
        scanner = fragment.scanner(
            schema=self._table.schema, columns=names, batch_size=rows, batch_readahead=1, fragment_readahead=1
        )
        yield from scanner.to_batches()

    def _parquet(self, fragment: Any, names: list[str], rows: int) -> Iterator[arrow.RecordBatch]:
        """As a scanner gives them, which reads ahead, and holds more the longer the file is."""
        given = arrow.dataset.get_partition_keys(fragment.partition_expression)
        few = [name for name in self._categories if name in fragment.physical_schema.names]
        with arrow.parquet.ParquetFile(fragment.path, read_dictionary=few, pre_buffer=False) as file:
            for batch in file.iter_batches(rows, columns=[name for name in names if name not in given]):
                columns = {
                    name: arrow.repeat(arrow.scalar(given[name], self._table.schema.field(name).type), batch.num_rows)
                    if name in given
                    else batch.column(name)
                    for name in names
                }
                yield arrow.RecordBatch.from_pydict(columns)

    def _dataset(self, schema: arrow.Schema | None = None) -> Any:
        return arrow.dataset.dataset(
            [str(file) for file in self.files],
            format=self._format,
            schema=schema,
            partitioning="hive",
            partition_base_dir=str(Path(self.path)),
        )

    def _keep(self, row: Any) -> str:
        self.ragged.append(row.text)
        return "skip"


def _as_texts(batch: arrow.RecordBatch, names: list[str]) -> arrow.RecordBatch:
    for name in names:
        place = batch.schema.get_field_index(name)
        if not arrow.types.is_string(batch.schema.field(place).type):
            batch = batch.set_column(place, name, batch.column(place).cast(arrow.string()))
    return batch
