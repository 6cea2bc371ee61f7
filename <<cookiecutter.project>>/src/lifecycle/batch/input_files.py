"""The files of a table: which they are, and whether each has what is asked of it."""

import os
from collections.abc import Iterable
from pathlib import Path

import pyarrow as arrow
import pyarrow.parquet

from lifecycle.batch.output import NOTHING
from lifecycle.core.errors import ConfigError, DataError

CSV = (".csv", ".csv.gz", ".csv.bz2")
PARQUET = (".parquet", ".parq", ".pq")


def is_csv(path: str | Path) -> bool:
    """Whether a file is CSV, by its name."""
    return str(path).lower().endswith(CSV)


def parts(path: str) -> list[Path]:
    """Return the files of a table, in the order of their paths: all Parquet, or all CSV.

    Names that begin with a dot or an underscore are passed over, as Spark does. Files none of whose names says what they are count
    as Parquet.

    Raises:
        ConfigError: there is no such file or folder, or what is in it does not go together.
        DataError: there is no file in it, or an empty one, which may be a part that got lost.
    """
    root = Path(path)
    if not root.exists():
        raise ConfigError(f"{path}: no such file or folder; name the table in --input")
    found = sorted(_below(root)) if root.is_dir() else [root]
    if not found:
        raise DataError(f"{path}: has no files; {NOTHING}")
    if empty := next((file for file in found if not file.stat().st_size), None):
        raise DataError(f"{empty}: is empty, as if its content had got lost; {NOTHING}")
    kinds = [CSV if is_csv(file) else PARQUET if str(file).lower().endswith(PARQUET) else () for file in found]
    if len(set(kinds)) > 1:
        odd = next(file for file, kind in zip(found, kinds, strict=True) if kind != max(kinds, key=kinds.count))
        raise ConfigError(f"{odd}: does not go with the other files of {path}: take it out of the folder; {NOTHING}")
    return found


def check_parts(files: list[Path], root: str, names: Iterable[str]) -> None:
    """Hold the schema of each Parquet file against the columns that are needed.

    Raises DataError naming the file that cannot be read, lacks a column or has one of structs, lists or maps.
    """
    for file in files:
        try:
            schema = pyarrow.parquet.read_schema(file)
        except (arrow.ArrowException, OSError) as error:
            raise DataError(f"{file}: cannot be read: {short(error)}; {NOTHING}") from None
        given = [folder.partition("=")[0] for folder in os.path.relpath(file, root).split(os.sep)[:-1] if "=" in folder]
        for name in names:
            count = schema.names.count(name)
            if count != 1 and name not in given:
                raise DataError(f"{file}: {'repeated' if count else 'missing'} column {name}; {NOTHING}")
            if count and arrow.types.is_nested(schema.field(name).type):
                raise DataError(f"{file}: column {name} holds {schema.field(name).type}, not single values; {NOTHING}")


def short(error: Exception) -> str:
    """Return what an exception says, in one line."""
    text = " ".join(str(error).split())
    return text if len(text) <= 200 else f"{text[:200]}..."


def _below(folder: Path) -> Iterable[Path]:
    for entry in folder.iterdir():
        hidden = entry.name.startswith(".") or (entry.name.startswith("_") and "=" not in entry.name)
        if not hidden:
            yield from _below(entry) if entry.is_dir() else [entry]
