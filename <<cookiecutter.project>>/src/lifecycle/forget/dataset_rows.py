"""The rows of an id in the dataset and in the file beside it that says where rows came from: taken out, and the rest a new version."""

from pathlib import Path

from lifecycle.core.config import Csv, Params
from lifecycle.core.dvc import dvc, failure_line
from lifecycle.core.errors import ConfigError, DataError
from lifecycle.forget import table_rows


def files(params: Params) -> list[Path]:
    """Return the dataset, and the file beside it, if there is one."""
    raw = params.data.raw
    beside = raw.with_name(f"{raw.name.partition('.')[0]}.sources.csv")
    return [raw, *([beside] if beside.exists() or pointer(beside).exists() else [])]


def pointer(path: Path) -> Path:
    return Path(f"{path}.dvc")


def forget(row_id: str, params: Params) -> int:
    """Take the row out of the dataset, and give the rest to DVC as a new version. Returns how many rows that were.

    Raises:
        DataError: the dataset is not here, or cannot be read.
        ConfigError: it was changed, and DVC does not have it as it is: the change would be taken for part of this.
    """
    paths = files(params)
    if missing := [path for path in paths if not path.exists()]:
        raise DataError(f"{missing[0]}: not here, so the row cannot be looked for: `dvc pull {missing[0]}` brings it")
    holders = [path for path in paths if _count(path, row_id, params)]
    tracked = [pointer(path) for path in holders if pointer(path).exists()]
    if tracked:
        status = dvc("status", "--json", *map(str, tracked))
        if status.returncode:
            raise DataError(f"dvc status: {failure_line(status)}")
        if status.stdout.strip() not in ("", "{}"):
            raise ConfigError(f"{holders[0]} is not as {tracked[0]} has it: `dvc add` or `dvc checkout` it first")
    removed = {
        path: sum(table_rows.remove(*_of(file, path, row_id, params)) for file in _tables(path)) for path in holders
    }
    if tracked:
        add = dvc("add", "--quiet", *(str(path) for path in holders if pointer(path).exists()))
        if add.returncode:
            raise DataError(f"dvc add: {failure_line(add)}")
    return removed.get(params.data.raw, 0)


def _count(path: Path, row_id: str, params: Params) -> int:
    return sum(table_rows.count(*_of(file, path, row_id, params)) for file in _tables(path))


def _tables(path: Path) -> list[Path]:
    return table_rows.tables(path) if path.is_dir() else [path]


def _of(file: Path, path: Path, row_id: str, params: Params) -> tuple[Path, str, str, Csv]:
    """What table_rows is asked; the file beside the dataset is written plainly."""
    return file, params.data.id, row_id, params.data.csv if path == params.data.raw else Csv()
