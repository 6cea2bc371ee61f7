from pathlib import Path

import pandas as pd
import pytest

from << cookiecutter.package >>.batch.rows import RAGGED
from << cookiecutter.package >>.batch.source import Source
from << cookiecutter.package >>.errors import ConfigError, DataError


def read(path: Path, names: list[str], texts: list[str] | None = None, rows: int = 100) -> pd.DataFrame:
    frames = list(Source(str(path), ["kind"]).frames(names, texts or [], rows))
    return pd.concat([frame.astype("object") for frame in frames], ignore_index=True)


def test_parquet_comes_in_batches_with_the_columns_that_were_asked_for(tmp_path: Path) -> None:
    table = pd.DataFrame({"id": range(250), "kind": ["a", "b"] * 125, "other": 1.5})
    table.to_parquet(tmp_path / "table.parquet", index=False)
    source = Source(str(tmp_path / "table.parquet"), ["kind"])

    frames = list(source.frames(["kind", "id"], ["id"], 100))

    assert source.rows() == 250
    assert [len(frame) for frame in frames] == [100, 100, 50]
    assert [list(frame) for frame in frames] == [["kind", "id"]] * 3
    assert isinstance(frames[0]["kind"].dtype, pd.CategoricalDtype)
    assert frames[2]["id"].tolist() == [str(number) for number in range(200, 250)]


def test_a_partitioned_folder_has_the_columns_of_its_folders_names(tmp_path: Path) -> None:
    for region in ("north", "south"):
        (tmp_path / f"table/region={region}").mkdir(parents=True)
        pd.DataFrame({"id": [region[0]]}).to_parquet(tmp_path / f"table/region={region}/part.parquet", index=False)

    found = read(tmp_path / "table", ["id", "region"])

    assert found.values.tolist() == [["n", "north"], ["s", "south"]]


def test_a_file_that_lacks_a_column_which_others_have_gives_nulls_for_it(tmp_path: Path) -> None:
    (tmp_path / "table").mkdir()
    pd.DataFrame({"id": [1], "kind": ["a"]}).to_parquet(tmp_path / "table/a.parquet", index=False)
    pd.DataFrame({"id": [2]}).to_parquet(tmp_path / "table/b.parquet", index=False)

    found = read(tmp_path / "table", ["id", "kind"])

    assert found["id"].tolist() == [1, 2]
    assert found["kind"].isna().tolist() == [False, True]


def test_csv_comes_as_text_and_its_torn_lines_are_kept(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text('id,kind\n01,"a\nb"\n02\n03,c,d\n04,\n')

    found = read(tmp_path / "table.csv", ["id", "kind"])

    assert found["id"].dropna().tolist() == ["01", "04"]
    assert found["kind"].dropna().tolist() == ["a\nb", ""]
    assert sorted(found[RAGGED].dropna()) == ["02", "03,c,d"]


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "torn.parquet").write_bytes(b"PAR1 and no more")

    with pytest.raises(ConfigError, match=r"nowhere\.csv: no such file or folder"):
        Source(str(tmp_path / "nowhere.csv"), [])
    with pytest.raises(DataError, match=r"torn\.parquet: cannot be read"):
        list(Source(str(tmp_path / "torn.parquet"), []).frames(["id"], [], 10))
