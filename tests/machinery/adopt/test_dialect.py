"""How a file is written is found from its beginning."""

import bz2
import gzip
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from lifecycle.adopt import raw_file
from lifecycle.core.errors import ConfigError, DataError

TABLE = pd.DataFrame(
    {
        "name": ["Zoë", "Ann; Bo", 'a "quoted" one', "line\nbreak", "Ünal", "Eve"],
        "amount": [1.25, -2.5, 1000.75, 0.5, 7.125, 3.0],
        "count": [1, 2, 3, 4, 5, 6],
        "seen": ["2025-01-31", "2025-02-01", "2025-02-02", "2025-02-03", "2025-02-04", "2025-02-05"],
    }
)


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("decimal", [".", ","])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_table_is_read_whatever_its_dialect(
    tmp_path: Path, separator: str, encoding: str, decimal: str, end: str
) -> None:
    path = tmp_path / "table.csv"
    TABLE.to_csv(path, index=False, sep=separator, encoding=encoding, decimal=decimal, lineterminator=end)

    file = raw_file.read(path)

    assert file.csv
    assert (file.csv.separator, file.csv.decimal) == (separator, decimal)
    assert file.csv.encoding == {"utf-8-sig": "utf-8"}.get(encoding, encoding)
    assert file.columns["name"].to_pylist() == list(TABLE["name"])
    assert file.columns["amount"].to_pylist() == list(TABLE["amount"])
    assert str(file.columns["seen"].type).startswith("date32")


def compress(content: bytes, path: Path) -> None:
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("table.csv", content)
    elif path.suffix == ".zst":
        pd.DataFrame(TABLE).to_csv(path, index=False, compression="zstd")
    else:
        path.write_bytes({".gz": gzip, ".bz2": bz2}[path.suffix].compress(content))


@pytest.mark.parametrize("suffix", ["gz", "bz2", "zip"])
def test_a_compressed_table_is_read_as_it_is(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"table.csv.{suffix}"
    compress(TABLE.to_csv(index=False).encode(), path)

    assert raw_file.read(path).columns["count"].to_pylist() == [1, 2, 3, 4, 5, 6]


def test_a_character_behind_the_head_decides_the_encoding(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    rows = [f"{number},plain text number {number}" for number in range(60_000)]
    path.write_bytes("\n".join(["id,note", *rows, "60000,café"]).encode("cp1252"))

    file = raw_file.read(path)

    assert file.csv
    assert file.csv.encoding == "cp1252"
    assert file.columns["note"][-1].as_py() == "café"


def test_a_type_that_changes_behind_the_first_block_is_that_of_all_values(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    rows = [f"{number},{number % 7},,padding that makes blocks long enough {number}" for number in range(300_000)]
    path.write_text("\n".join(["id,whole,empty,note", *rows, "300000,0.5,late,x"]))

    columns = raw_file.read(path).columns

    assert columns["whole"][-1].as_py() == 0.5
    assert columns["empty"].null_count == 300_000
    assert columns["empty"][-1].as_py() == "late"


CODES = {
    "leading zeros": ["000123", "000124", "100125"],
    "exponents": ["1E5", "2E4", "300"],
    "too many digits": ["1234567890123456789012", "1234567890123456789013", "5"],
}


@pytest.mark.parametrize("values", CODES.values(), ids=CODES)
def test_codes_that_look_like_numbers_stay_text(tmp_path: Path, values: list[str]) -> None:
    path = tmp_path / "table.csv"
    path.write_text("code,x\n" + "".join(f"{value},{place}.5\n" for place, value in enumerate(values)))

    file = raw_file.read(path)

    assert file.columns["code"].to_pylist() == values
    assert "code" in file.notes[0]


@pytest.mark.parametrize("values", [["1.5e3", "2.25", "1e-05"], ["0.5", "0", "0.25"], ["10", "20", "0"]])
def test_numbers_are_not_taken_for_codes(tmp_path: Path, values: list[str]) -> None:
    path = tmp_path / "table.csv"
    path.write_text("number,x\n" + "".join(f"{value},a\n" for value in values))

    assert raw_file.read(path).columns["number"].to_pylist() == [float(value) for value in values]


def test_a_word_means_missing_where_every_other_value_is_a_number(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("a,b,c\n1,x,?\n-,-,y\n3,unknown,z\n,None,w\n")

    columns = raw_file.read(path).columns

    assert columns["a"].to_pylist() == [1, None, 3, None]
    assert columns["c"].to_pylist() == [None, "y", "z", "w"]
    assert "None" in columns["b"].to_pylist()


BAD = {
    "an empty file": ("", "is empty"),
    "a header without rows": ("a,b\n", "has a header and no rows"),
    "a single column": ("a\n1\n2\n", "has a single column"),
    "a name twice": ("a,b,a\n1,2,3\n", "column a is there 2 times"),
    "an empty name": ("a,,c\n1,2,3\n", "column 2 has no name"),
    "no header": ("1,2\n3,4\n5,6\n", "the first line holds numbers"),
    "rows of other lengths": ("a,b\n1,2\n3,4,5\n", "cannot be read as a table"),
}


@pytest.mark.parametrize(("content", "message"), BAD.values(), ids=BAD)
def test_what_is_no_table_is_one_line(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "table.csv"
    path.write_text(content)

    with pytest.raises(DataError) as error:
        raw_file.read(path)

    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_binary_content_is_no_table(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(bytes(range(256)) * 50)

    with pytest.raises(DataError, match="is not a text file"):
        raw_file.read(path)
    with pytest.raises(ConfigError, match="no such file"):
        raw_file.read(tmp_path / "gone.csv")
    (tmp_path / "table.parquet").write_bytes(b"PAR1 and nothing else")
    with pytest.raises(DataError, match="cannot be read as a table"):
        raw_file.read(tmp_path / "table.parquet")
