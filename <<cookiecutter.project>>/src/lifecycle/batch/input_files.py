"""The input files of a table: which they are, and whether each has the columns that are needed."""

import os
from collections.abc import Iterable
from pathlib import Path

import pyarrow as arrow
import pyarrow.parquet

from lifecycle.batch.output import NOTHING_WRITTEN
from lifecycle.core.errors import ConfigError, DataError

CSV = tuple(f"{name}{compression}" for name in (".csv", ".tsv", ".txt") for compression in ("", ".gz", ".bz2"))
PARQUET = (".parquet", ".parq", ".pq")
PACKED = (".zip", ".zst")  # read by `data`, but not by Spark
MAX_ERROR_TEXT = 200  # characters


def is_csv(path: str | Path) -> bool:
    """Whether a file is CSV, by its name."""
    return str(path).lower().endswith(CSV)


def input_files(path: str) -> list[Path]:
    """Return the files of a table, sorted by path: all Parquet, or all CSV.

    Names that begin with a dot or an underscore are skipped, as Spark does. Files without any known suffix count as
    Parquet if none of the table's files has one.

    Raises:
        ConfigError: there is no such file or folder, its files are not all of one format, or one has to be unpacked first.
        DataError: the folder holds no file, or an empty one, which may have lost its content.
    """
    root = Path(path)
    if not root.exists():
        raise ConfigError(f"{path}: no such file or folder; name the table in --input")
    files = sorted(_visible_files(root)) if root.is_dir() else [root]
    if not files:
        raise DataError(f"{path}: contains no data files; {NOTHING_WRITTEN}")
    if empty := next((file for file in files if not file.stat().st_size), None):
        raise DataError(f"{empty}: is an empty file, it may have been cut off; {NOTHING_WRITTEN}")
    if packed := next((file for file in files if file.suffix.lower() in PACKED), None):
        raise ConfigError(
            f"{packed}: a {packed.suffix} file cannot be scored: unpack it, or compress it as .gz or .bz2; {NOTHING_WRITTEN}"
        )
    formats = [CSV if is_csv(file) else PARQUET if str(file).lower().endswith(PARQUET) else () for file in files]
    if len(set(formats)) > 1:
        majority = max(formats, key=formats.count)
        misfit = next(file for file, kind in zip(files, formats, strict=True) if kind != majority)
        raise ConfigError(
            f"{misfit}: has another format than the other files in {path}: move it out of the folder; {NOTHING_WRITTEN}"
        )
    return files


def check_schemas(files: list[Path], root: str, columns: Iterable[str]) -> None:
    """Check that every Parquet file has the columns that are needed, unless its folder's name gives them.

    Raises DataError naming the file that cannot be read, lacks a column, repeats one or nests values in one.
    """
    for file in files:
        try:
            schema = pyarrow.parquet.read_schema(file)
        except (arrow.ArrowException, OSError) as error:
            raise DataError(f"{file}: cannot be read: {error_text(error)}; {NOTHING_WRITTEN}") from None
        folders = os.path.relpath(file, root).split(os.sep)[:-1]
        partition_columns = [folder.partition("=")[0] for folder in folders if "=" in folder]
        for name in columns:
            count = schema.names.count(name)
            if count != 1 and name not in partition_columns:
                raise DataError(f"{file}: {'repeated' if count else 'missing'} column {name}; {NOTHING_WRITTEN}")
            if count and arrow.types.is_nested(schema.field(name).type):
                nested = schema.field(name).type
                raise DataError(f"{file}: column {name} holds {nested}, not single values; {NOTHING_WRITTEN}")


def error_text(error: Exception) -> str:
    """Return the message of an exception, shortened, on one line."""
    text = " ".join(str(error).split())
    return text if len(text) <= MAX_ERROR_TEXT else f"{text[:MAX_ERROR_TEXT]}..."


def _visible_files(folder: Path) -> Iterable[Path]:
    for entry in folder.iterdir():
        hidden = entry.name.startswith(".") or (entry.name.startswith("_") and "=" not in entry.name)
        if not hidden:
            yield from _visible_files(entry) if entry.is_dir() else [entry]
