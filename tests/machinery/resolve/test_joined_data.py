"""Two versions of a table to which rows were appended become one; anything else is refused."""

from pathlib import Path

import pandas as pd
import pytest

from lifecycle.core.config import Csv, Data
from lifecycle.core.csv_format import open_bytes
from lifecycle.core.errors import DataError
from lifecycle.resolve.joined_data import join, row_count
from machinery.compression import write_compressed

BASE = "id,text\n1,a\n2,b\n"


def data(**form: object) -> Data:
    return Data(raw=Path("t.csv"), id="id", target="text", csv=Csv.model_validate(form))


def joined(
    folder: Path, base: str | None, ours: str, theirs: str, name: str = "t.csv", form: Data | None = None
) -> str:
    """The text of the joined file, of versions given as texts."""
    form = form or data()
    paths = []
    for side, text in (("base", base), ("ours", ours), ("theirs", theirs)):
        path = folder / side / name
        path.parent.mkdir()
        if text is not None:
            write_compressed(path, text.encode(form.csv.encoding))
        paths.append(path if text is not None else None)
    target = folder / name
    assert paths[1]
    assert paths[2]
    join(paths[0], paths[1], paths[2], target, form)
    with open_bytes(target) as stream:
        return stream.read().decode(form.csv.encoding)


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "expected"),
    [
        (BASE, BASE + "3,c\n", BASE + "4,d\n5,e\n", BASE + "3,c\n4,d\n5,e\n"),
        (BASE, BASE, BASE + "4,d\n", BASE + "4,d\n"),
        (BASE, BASE + "3,c\n", BASE + "3,c\n4,d\n", BASE + "3,c\n4,d\n"),
        (BASE, BASE + '3,"c\nc"\n', BASE + '4,"d\n\nd"\n', BASE + '3,"c\nc"\n4,"d\n\nd"\n'),
        (BASE[:-1], BASE + "3,c", BASE + "4,d", BASE + "3,c\n4,d\n"),
        (None, BASE + "3,c\n", BASE + "4,d\n", BASE + "3,c\n4,d\n"),
    ],
    ids=["both append", "one appends", "the same row", "rows of several lines", "no last line break", "both made it"],
)
def test_rows_appended_on_both_sides_are_joined(
    tmp_path: Path, base: str | None, ours: str, theirs: str, expected: str
) -> None:
    assert joined(tmp_path, base, ours, theirs) == expected


@pytest.mark.parametrize("name", ["t.csv.gz", "t.csv.bz2", "t.csv.zst", "t.csv.zip"])
def test_a_compressed_file_stays_compressed(tmp_path: Path, name: str) -> None:
    assert joined(tmp_path, BASE, BASE + "3,c\n", BASE + "4,d\n", name) == BASE + "3,c\n4,d\n"


def test_line_ends_and_encoding_stay_as_they_are(tmp_path: Path) -> None:
    form = data(separator=";", encoding="cp1252")
    base = "id;text\r\n1;ä\r\n"

    assert joined(tmp_path, base, base + "2;ö\r\n", base + "3;ü\r\n", form=form) == base + "2;ö\r\n3;ü\r\n"


@pytest.mark.parametrize(
    ("ours", "theirs", "reason"),
    [
        (BASE.replace("a", "x") + "3,c\n", BASE + "4,d\n", "ours changes or removes rows"),
        (BASE + "3,c\n", "id,text\n1,a\n", "theirs changes or removes rows"),
        (BASE + "3,c\n", BASE + "3,d\n", "both append a row with id 3, with other values"),
        (BASE + "3,c\n", "id,other\n1,a\n2,b\n4,d\n", "their columns differ"),
        (BASE[:-1] + "x\n", BASE + "4,d\n", "ours changes or removes rows"),
    ],
)
def test_a_side_that_does_more_than_append_is_refused(tmp_path: Path, ours: str, theirs: str, reason: str) -> None:
    with pytest.raises(DataError, match=reason):
        joined(tmp_path, BASE, ours, theirs)

    assert not (tmp_path / "t.csv").exists()


def test_a_file_that_is_no_table_is_refused_and_has_no_rows(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    path.write_bytes(b"\x89PNG")
    picture = Data(raw=path, id="", target="")

    assert row_count(path, picture) is None
    with pytest.raises(DataError, match=r"a \.png file has no rows"):
        join(path, path, path, tmp_path / "both.png", picture)


def frame(*ids: int, text: str = "a") -> pd.DataFrame:
    return pd.DataFrame({"id": ids, "text": [text] * len(ids), "size": [None] * len(ids)}).astype({"size": "float64"})


def parquet(folder: Path, side: str, rows: pd.DataFrame, name: str = "t.parquet") -> Path:
    path = folder / side / name
    path.parent.mkdir(parents=True, exist_ok=True)
    rows.to_parquet(path, index=False)
    return path


def test_rows_appended_to_a_parquet_file_are_joined(tmp_path: Path) -> None:
    base, ours, theirs = (
        parquet(tmp_path, side, frame(*ids))
        for side, ids in {"base": (1, 2), "ours": (1, 2, 3), "theirs": (1, 2, 3, 4)}.items()
    )

    join(base, ours, theirs, tmp_path / "t.parquet", data())

    assert list(pd.read_parquet(tmp_path / "t.parquet")["id"]) == [1, 2, 3, 4]
    assert row_count(tmp_path / "t.parquet", data()) == 4


@pytest.mark.parametrize(
    ("ours", "theirs", "reason"),
    [
        (frame(1, 9, 3), frame(1, 2, 4), "ours changes or removes rows"),
        (frame(1, 2, 3), frame(1), "theirs changes or removes rows"),
        (frame(1, 2, 3), pd.concat([frame(1, 2), frame(3, text="b")]), "both add a row with id 3, with other values"),
    ],
)
def test_a_parquet_file_whose_rows_changed_is_refused(
    tmp_path: Path, ours: pd.DataFrame, theirs: pd.DataFrame, reason: str
) -> None:
    base = parquet(tmp_path, "base", frame(1, 2))
    paths = [parquet(tmp_path, side, rows) for side, rows in (("ours", ours), ("theirs", theirs))]

    with pytest.raises(DataError, match=reason):
        join(base, *paths, tmp_path / "t.parquet", data())


def test_parts_added_to_a_folder_on_both_sides_are_all_there(tmp_path: Path) -> None:
    for side in ("base", "ours", "theirs"):
        parquet(tmp_path, side, frame(1, 2), "part-0.parquet")
    parquet(tmp_path, "ours", frame(3), "part-0_000001.parquet")
    parquet(tmp_path, "theirs", frame(3, 4), "part-0_000001.parquet")

    join(tmp_path / "base", tmp_path / "ours", tmp_path / "theirs", tmp_path / "both", data())

    files = sorted((tmp_path / "both").iterdir())
    assert [list(pd.read_parquet(file)["id"]) for file in files] == [[1, 2], [3], [4]]
    assert row_count(tmp_path / "both", data()) == 4


def test_a_part_that_was_removed_is_refused(tmp_path: Path) -> None:
    for side in ("base", "ours"):
        parquet(tmp_path, side, frame(1, 2), "part-0.parquet")
    parquet(tmp_path, "theirs", frame(3), "part-1.parquet")

    with pytest.raises(DataError, match=r"theirs changes or removes part-0\.parquet"):
        join(tmp_path / "base", tmp_path / "ours", tmp_path / "theirs", tmp_path / "both", data())
