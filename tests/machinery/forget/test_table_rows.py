"""The rows of an id are taken out of a table, whatever its format; what else is there stays as it was."""

import gzip
import zipfile
from pathlib import Path

import pyarrow as arrow
import pyarrow.parquet
import pytest

from lifecycle.core.config import Csv
from lifecycle.core.errors import DataError
from lifecycle.core.raw_table import PARQUET
from lifecycle.forget import table_rows

TEXT = 'key,note\r\na1,"two\r\nlines, a1"\r\na2,"a2 ""quoted"""\r\n\r\na11,x\na1,\r\na3,last'
WITHOUT = 'key,note\r\na2,"a2 ""quoted"""\r\n\r\na11,x\na3,last'


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "cp1252", "utf-16"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_other_rows_of_a_csv_file_stay_byte_for_byte(tmp_path: Path, encoding: str, mark: str) -> None:
    codec = "utf-16-be" if encoding == "utf-16" else encoding
    if mark and encoding in ("latin-1", "cp1252"):
        mark = ""
    path, form = tmp_path / "t.csv", Csv(encoding=encoding)  # type: ignore[arg-type]
    if encoding == "utf-16":
        mark = "\ufeff"  # Python would take it for the other order of bytes
    path.write_bytes((mark + TEXT).encode(codec))

    assert table_rows.count(path, "key", "a1", form) == 2
    assert table_rows.remove(path, "key", "a1", form) == 2
    assert path.read_bytes() == (mark + WITHOUT).encode(codec)
    assert table_rows.remove(path, "key", "a1", form) == 0


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".zst", ".zip"])
def test_a_compressed_file_stays_compressed(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"t.csv{suffix}"
    if suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("inner.csv", TEXT)
    else:
        with arrow.output_stream(str(path), compression="detect") as stream:
            stream.write(TEXT.encode())

    assert table_rows.remove(path, "key", "a1", Csv()) == 2

    assert table_rows.count(path, "key", "a1", Csv()) == 0
    assert table_rows.count(path, "key", "a2", Csv()) == 1
    if suffix == ".gz":
        assert gzip.decompress(path.read_bytes()).decode() == WITHOUT
    if suffix == ".zip":
        assert zipfile.ZipFile(path).namelist() == ["inner.csv"]


@pytest.mark.parametrize("ids", [[1, 2, 1], [1.0, 2.0, 1.0], ["1", "2", "1"]], ids=["whole", "float", "text"])
@pytest.mark.parametrize("suffix", PARQUET)
def test_rows_of_a_parquet_file_are_found_whatever_the_type_of_the_id(tmp_path: Path, ids: list, suffix: str) -> None:
    path = tmp_path / f"t{suffix}"
    table = arrow.table({"key": ids, "x": [1, None, 3]}).replace_schema_metadata({"mine": "kept"})
    pyarrow.parquet.write_table(table, path)

    assert table_rows.remove(path, "key", "1", Csv()) == 2

    left = pyarrow.parquet.ParquetFile(path).read()
    assert (left["key"].to_pylist(), left["x"].to_pylist()) == (ids[1:2], [None])
    assert left.schema.equals(table.schema, check_metadata=True)


def test_a_table_without_the_column_or_the_row_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pyarrow.parquet.write_table(arrow.table({"x": [1]}), path)
    before = path.stat()

    assert table_rows.remove(path, "x", "2", Csv()) == 0
    assert table_rows.remove(path, "key", "1", Csv()) == 0
    assert path.stat() == before


def test_the_tables_of_a_folder_are_those_below_it_that_are_not_hidden(tmp_path: Path) -> None:
    for name in ("date=1/part-0.parquet", "b.csv.gz", "a.csv", ".old/x.parquet", "run.json", ".lock"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()

    names = [str(path.relative_to(tmp_path)) for path in table_rows.tables(tmp_path)]

    assert names == ["a.csv", "b.csv.gz", "date=1/part-0.parquet"]


def test_a_damaged_table_is_named(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    path.write_bytes(b"nonsense")

    with pytest.raises(DataError, match=r"t\.parquet: cannot be read"):
        table_rows.remove(path, "key", "1", Csv())
