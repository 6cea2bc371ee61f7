"""Two versions of a Parquet file, or of a folder, to which rows or files were added, joined."""

import shutil
from pathlib import Path

import pyarrow as arrow
import pyarrow.parquet

from lifecycle.core.errors import DataError
from lifecycle.core.files import file_hash
from lifecycle.core.raw_table import PARQUET


def join(base: Path | None, ours: Path, theirs: Path, target: Path, key: str) -> None:
    """Write the rows of ours, then those that only theirs appended.

    Raises DataError if a side does more than append rows, or if both append a row with the same key and other values.
    """
    before = _read(base) if base else None
    of_ours, of_theirs = _read(ours), _read(theirs)
    if of_ours.schema != of_theirs.schema:
        raise DataError("their columns differ")
    appended = [_appended(before, table, side) for table, side in ((of_ours, "ours"), (of_theirs, "theirs"))]
    new = _without(appended[1], appended[0], key)
    pyarrow.parquet.write_table(arrow.concat_tables([of_ours, new]).unify_dictionaries(), target)


def join_folders(base: Path | None, ours: Path, theirs: Path, target: Path, key: str) -> None:
    """Write the files of ours, then those that only theirs added, without the rows that ours added as well.

    Raises DataError if a side changes or removes a file, or if both add a row with the same key and other values.
    """
    of_base, of_ours, of_theirs = (_hashes(folder) if folder else {} for folder in (base, ours, theirs))
    for side, files in {"ours": of_ours, "theirs": of_theirs}.items():
        if changed := [name for name, md5 in of_base.items() if files.get(name) != md5]:
            raise DataError(f"{side} changes or removes {changed[0]}")
    shutil.copytree(ours, target)
    added = [_read(ours / name) for name in of_ours.keys() - of_base.keys() if Path(name).suffix in PARQUET]
    for name in sorted(of_theirs.keys() - of_base.keys()):
        if of_ours.get(name) == of_theirs[name]:
            continue
        path = Path(name)
        if name in of_ours:  # behind the file of that name, and before what follows it
            path = path.with_stem(f"{path.stem}_{of_theirs[name][:8]}")
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        if path.suffix not in PARQUET:
            shutil.copyfile(theirs / name, target / path)
            continue
        table = _read(theirs / name)
        new = table
        for of_file in added:
            new = _without(new, of_file, key)
        if new is table:
            shutil.copyfile(theirs / name, target / path)
        elif new.num_rows:
            pyarrow.parquet.write_table(new, target / path)


def _appended(before: arrow.Table | None, table: arrow.Table, side: str) -> arrow.Table:
    if before is None:
        return table
    rows = before.num_rows
    # pandas takes two missing numbers for equal, Arrow does not.
    if before.schema != table.schema or not table.slice(0, rows).to_pandas().equals(before.to_pandas()):
        raise DataError(f"{side} changes or removes rows")
    return table.slice(rows)


def _without(table: arrow.Table, others: arrow.Table, key: str) -> arrow.Table:
    """Return a table without the rows that another has as well; the same object if there are none."""
    known = {repr(row) for row in others.to_pylist()}
    rows = table.to_pylist()
    is_new = [repr(row) not in known for row in rows]
    if key in table.column_names and key in others.column_names:
        keys = set(others[key].to_pylist())
        if clash := [row[key] for row, new in zip(rows, is_new, strict=True) if new and row[key] in keys]:
            raise DataError(f"both add a row with {key} {clash[0]}, with other values")
    return table if all(is_new) else table.filter(arrow.array(is_new))


def _read(path: Path) -> arrow.Table:
    with pyarrow.parquet.ParquetFile(path) as file:
        return file.read()


def _hashes(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): file_hash(path, "md5") for path in sorted(folder.rglob("*")) if path.is_file()
    }
