from pathlib import Path

import pandas as pd
import pytest

from lifecycle.batch.row_contract import RAGGED
from lifecycle.batch.table_reader import TableReader
from lifecycle.core.config import Csv
from lifecycle.core.errors import ConfigError, DataError, ProjectError
from machinery.compression import write_compressed


def read(path: Path, columns: list[str]) -> pd.DataFrame:
    frames = list(TableReader(str(path), ["kind"], Csv()).batches(columns, [], 100))
    return pd.concat([frame.astype("object") for frame in frames], ignore_index=True)


def test_parquet_comes_in_batches_with_the_requested_columns(tmp_path: Path) -> None:
    table = pd.DataFrame({"id": range(250), "kind": ["a", "b"] * 125, "other": 1.5})
    table.to_parquet(tmp_path / "table.parquet", index=False)
    table_reader = TableReader(str(tmp_path / "table.parquet"), ["kind"], Csv())

    frames = list(table_reader.batches(["kind", "id"], ["id"], 100))

    assert table_reader.row_count() == 250
    assert [len(frame) for frame in frames] == [100, 100, 50]
    assert [list(frame) for frame in frames] == [["kind", "id"]] * 3
    assert isinstance(frames[0]["kind"].dtype, pd.CategoricalDtype)
    assert frames[2]["id"].tolist() == [str(number) for number in range(200, 250)]


def test_folder_names_of_a_partitioned_table_are_columns(tmp_path: Path) -> None:
    for region in ("north", "south"):
        (tmp_path / f"table/region={region}").mkdir(parents=True)
        pd.DataFrame({"id": [region[0]]}).to_parquet(tmp_path / f"table/region={region}/part.parquet", index=False)

    table = read(tmp_path / "table", ["id", "region"])

    assert table.values.tolist() == [["n", "north"], ["s", "south"]]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"id": [2]}, r"b\.parquet: missing column kind"),
        ({"id": [2], "kind": [["a"]]}, r"b\.parquet: column kind holds list<.*>, not single values"),
    ],
)
def test_a_file_that_lacks_a_column_or_nests_values_is_named(tmp_path: Path, columns: dict, message: str) -> None:
    (tmp_path / "table").mkdir()
    pd.DataFrame({"id": [1], "kind": ["a"]}).to_parquet(tmp_path / "table/a.parquet", index=False)
    pd.DataFrame(columns).to_parquet(tmp_path / "table/b.parquet", index=False)

    with pytest.raises(DataError, match=message):
        read(tmp_path / "table", ["id", "kind"])


def test_files_in_plain_folders_count_and_hidden_ones_do_not(tmp_path: Path) -> None:
    for number, name in enumerate(["a.parquet", "more/b.parquet", "_tmp/c.parquet", ".d.parquet", "more/_SUCCESS"]):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        pd.DataFrame({"id": [number]}).to_parquet(tmp_path / name, index=False)

    assert read(tmp_path, ["id"])["id"].tolist() == [0, 1]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("README.md", "What this is", r"README\.md: has another format than the other files"),
        ("b.csv", "id\n1\n", r"b\.csv: has another format than the other files"),
        ("b.parquet", "", r"b\.parquet: is an empty file"),
    ],
)
def test_files_that_do_not_fit_together_are_refused(tmp_path: Path, name: str, content: str, message: str) -> None:
    for other in ("a.parquet", "c.parquet"):
        pd.DataFrame({"id": [1]}).to_parquet(tmp_path / other, index=False)
    (tmp_path / name).write_text(content)

    with pytest.raises(ProjectError, match=message):
        TableReader(str(tmp_path), [], Csv())


@pytest.mark.parametrize("suffix", ["zip", "zst"])
def test_a_compressed_file_that_spark_cannot_read_is_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"table.csv.{suffix}"
    write_compressed(path, b"id\n1\n")

    with pytest.raises(ConfigError, match=rf"csv\.{suffix}: a \.{suffix} file cannot be scored: unpack it, or"):
        read(path, ["id"])


def test_a_folder_without_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="contains no data files"):
        TableReader(str(tmp_path), [], Csv())


def test_whole_numbers_stay_whole_beside_a_null(tmp_path: Path) -> None:
    ids = [2**53 + 1, None, 2**53 + 3]
    pd.DataFrame({"id": pd.array(ids, dtype="Int64")}).to_parquet(tmp_path / "a.parquet", index=False)

    assert read(tmp_path / "a.parquet", ["id"])["id"].tolist() == ids


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # of Arrow, which shows it the line
@pytest.mark.parametrize("line", [b"\xfc", b"2,\xfc"])
def test_a_line_that_is_not_utf8_cannot_be_read(tmp_path: Path, line: bytes) -> None:
    (tmp_path / "table.csv").write_bytes(b"id,kind\n1,a\n" + line + b"\n")

    with pytest.raises(DataError, match=r"table\.csv: cannot be read"):
        read(tmp_path / "table.csv", ["id", "kind"])


def test_csv_comes_as_text_with_its_ragged_lines(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text('id,kind\n01,"a\nb"\n02\n03,c,d\n04,\n')

    table = read(tmp_path / "table.csv", ["id", "kind"])

    assert table["id"].dropna().tolist() == ["01", "04"]
    assert table["kind"].dropna().tolist() == ["a\nb", ""]
    assert sorted(table[RAGGED].dropna()) == ["02", "03,c,d"]


def test_a_file_that_is_missing_or_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "torn.parquet").write_bytes(b"PAR1 and no more")

    with pytest.raises(ConfigError, match=r"nowhere\.csv: no such file or folder"):
        TableReader(str(tmp_path / "nowhere.csv"), [], Csv())
    with pytest.raises(DataError, match=r"torn\.parquet: cannot be read"):
        list(TableReader(str(tmp_path / "torn.parquet"), [], Csv()).batches(["id"], [], 10))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "latin-1", "cp1252"])
def test_a_csv_file_is_read_as_its_dialect_says(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "table.csv").write_bytes('id;"größe; %"\r\n000123;"a\nb"\r\n2;ä\r\n'.encode(encoding))
    form = Csv.model_validate({"separator": ";", "encoding": encoding})

    table = TableReader(str(tmp_path / "table.csv"), [], form)

    assert table.columns == ["id", "größe; %"]
    (frame,) = table.batches(table.columns, [], 10)
    assert frame.values.tolist() == [["000123", "a\nb"], ["2", "ä"]]


def test_a_csv_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_bytes(b"id,kind\n1,\x81\n")

    with pytest.raises(DataError, match=r"table\.csv: cannot be read"):
        list(TableReader(str(tmp_path / "table.csv"), [], Csv(encoding="cp1252")).batches(["id"], [], 10))
