import gzip
import re
from pathlib import Path

import pandas as pd
import pandera.pandas as pa
import pytest

from lifecycle.core.config import Params
from lifecycle.core.errors import ConfigError, DataError
from lifecycle.core.raw_table import read_raw


@pytest.fixture
def path(table: pd.DataFrame, tmp_path: Path) -> Path:
    table.head(50).to_csv(tmp_path / "raw.csv", index=False)
    return tmp_path / "raw.csv"


def test_csv_compressed_csv_and_parquet_read_alike(
    path: Path, table: pd.DataFrame, schema: pa.DataFrameSchema, params: Params
) -> None:
    compressed, parquet = path.with_suffix(".csv.gz"), path.with_suffix(".parquet")
    compressed.write_bytes(gzip.compress(path.read_bytes()))
    table.head(50).to_parquet(parquet, index=False)

    for file in (path, compressed, parquet):
        pd.testing.assert_frame_equal(read_raw(file, schema, params.data), table.head(50), check_categorical=False)


def test_the_columns_may_stand_in_any_order(
    path: Path, table: pd.DataFrame, schema: pa.DataFrameSchema, params: Params
) -> None:
    table.head(50)[list(table)[::-1]].to_csv(path, index=False)

    assert list(read_raw(path, schema, params.data)) == list(table)


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (lambda text: "", "is empty"),
        (lambda text: text.splitlines()[0] + "\n", "has a header and no rows"),
        (lambda text: text.replace("tenure", "tenur", 1), "missing column tenure; unexpected column tenur"),
        (lambda text: text.replace("female,", "", 1), "missing column female"),
        (lambda text: text.replace("female,", "female,female,", 1), "repeated column female"),
        (lambda text: text.replace(",No,1,0,", ",No,one,0,", 1), "column female: 1 value (row 1: 'one') not int64"),
        (lambda text: text.replace(",No,1,0,", ",No,1.5,0,", 1), "column female: 1 value (row 1: '1.5') not int64"),
        (lambda text: text.replace(",No,1,0,", ",No,1.0,0,", 1), "column female: 1 value (row 1: '1.0') not int64"),
        (lambda text: text.replace(",No,1,0,", f",No,{'x' * 9999},0,", 1), "x...) not int64"),
        (lambda text: text.replace(",No,1,0,", ",No,,0,", 1), "column female: 1 value (row 1: None)"),
        (lambda text: text.replace(",No,1,0,", ",No,1,0,9,9,", 1), "cannot be read: CSV parse error"),
        (lambda text: text.encode().replace(b"Electronic", b"\xff\xfe", 1), "cannot be read"),
        (lambda text: b"\x89PNG\r\n\x1a\n\x00\x00", "cannot be read"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_the_place(
    path: Path, schema: pa.DataFrameSchema, params: Params, spoil, complaint: str
) -> None:
    spoiled = spoil(path.read_text())
    path.write_bytes(spoiled.encode() if isinstance(spoiled, str) else spoiled)

    with pytest.raises(DataError) as error:
        read_raw(path, schema, params.data)

    assert str(path) in str(error.value)
    assert complaint in str(error.value)


def test_many_bad_values_are_counted_and_few_are_shown(path: Path, schema: pa.DataFrameSchema, params: Params) -> None:
    path.write_text(path.read_text().replace(",Electronic check,", ",Electronic check,x"))

    with pytest.raises(
        DataError, match=r"column monthly_charges: \d+ values \(row \d+: 'x[\d.]+', .*, \.\.\.\) not float64"
    ):
        read_raw(path, schema, params.data)


def test_a_folder_or_a_damaged_archive_is_refused(
    path: Path, tmp_path: Path, schema: pa.DataFrameSchema, params: Params
) -> None:
    broken, cut = tmp_path / "broken.csv.gz", tmp_path / "cut.csv.gz"
    broken.write_bytes(b"not gzip at all")
    cut.write_bytes(gzip.compress(path.read_bytes())[:200])

    for file in (tmp_path, broken, cut):
        with pytest.raises(DataError, match=re.escape(str(file))):
            read_raw(file, schema, params.data)


def test_a_type_that_cannot_be_read_is_refused_and_an_optional_column_may_be_absent(
    path: Path, schema: pa.DataFrameSchema, params: Params
) -> None:
    optional = schema.add_columns({"bonus": pa.Column("int64", required=False)})
    assert "bonus" not in read_raw(path, optional, params.data)

    with pytest.raises(ConfigError, match=r"column bonus: dtype complex128 is not supported"):
        read_raw(path, schema.add_columns({"bonus": pa.Column("complex128")}), params.data)


def test_a_parquet_file_of_other_types_is_refused(
    path: Path, table: pd.DataFrame, schema: pa.DataFrameSchema, params: Params
) -> None:
    parquet = path.with_suffix(".parquet")
    table.assign(tenure="long").to_parquet(parquet)

    with pytest.raises(DataError, match=r"column tenure: 1,500 values \(row 1: 'long', .*\) not int64"):
        read_raw(parquet, schema, params.data)


def test_a_file_that_is_not_there_is_named(tmp_path: Path, schema: pa.DataFrameSchema, params: Params) -> None:
    with pytest.raises(DataError, match=r"gone\.csv: no such file; fetch it with `dvc pull`"):
        read_raw(tmp_path / "gone.csv", schema, params.data)
