"""Forget a row: what is done, in order, and what is reported of it."""

from collections.abc import Iterator
from pathlib import Path

from lifecycle.core import config
from lifecycle.core.config import Params
from lifecycle.core.errors import ConfigError, DataError
from lifecycle.core.markdown import counted
from lifecycle.forget import dataset_rows, held_versions, log_rows, table_rows
from lifecycle.prediction_log import private_columns
from lifecycle.prediction_log.private_columns import HASH, OMIT


def forget(row_id: str, log: Path | None, scores: list[Path]) -> Iterator[str]:
    """Take a row out of the log with its labels, of tables of scores and of the dataset; yield what was done and what is left.

    Each step is whole before the next, and all may be repeated.

    Args:
        row_id: the row's id, or the id of a request.
        log: the folder of the prediction log, if there is one.
        scores: files or folders of tables.

    Raises:
        ConfigError: a path does not exist, ids are hashed in the log and there is no key, or the dataset was changed.
        DataError: a table cannot be read, or the dataset is not here.
        RefusedError: another process changes the log.
    """
    params = config.load()
    if missing := [path for path in scores if not path.exists()]:
        raise ConfigError(f"--scores {missing[0]}: no such file or folder")
    if log:
        yield from _from_log(row_id, log, params)
    for path in scores:
        files = table_rows.tables(path)
        count = sum(table_rows.remove(file, params.data.id, row_id, params.data.csv) for file in files)
        yield f"{path}: {counted(count, 'row')} removed"
    if params.data.id_from:
        yield f"{params.data.raw}: not looked through: the id is made from a row's values (data.id_from), so take the row out by hand"
    else:
        yield from _from_dataset(row_id, params)
    yield from held_versions.describe(*held_versions.held(row_id, params), held_versions.in_git(row_id), row_id)
    yield "not looked through: models, which were trained on the row, and the samples of rows that versions in MLflow carry without their ids"


def _from_log(row_id: str, log: Path, params: Params) -> Iterator[str]:
    column = params.data.id
    treatment, key = private_columns.private_columns(config.CONTRACT).get(column), private_columns.key()
    if treatment == HASH and not key:
        private_columns.redaction(config.CONTRACT, params.data.target)  # which says what is missing
    try:
        removed = log_rows.forget(log, log_rows.Wanted(row_id, column, key))
    except OSError as error:
        raise DataError(f"the prediction log cannot be read: {error}") from None
    labels, refusals = counted(removed.labels, "label"), counted(removed.refusals, "refusal")
    yield f"{log}: {counted(removed.answers, 'answer')}, {labels} and {refusals} removed"
    if treatment == OMIT:
        yield f"{log}: has no {column}, which is left out there: only requests whose own id is {row_id} were looked for"


def _from_dataset(row_id: str, params: Params) -> Iterator[str]:
    raw = params.data.raw
    count = dataset_rows.forget(row_id, params)
    yield f"{raw}: {counted(count, 'row')} removed"
    if count:
        yield f"left to do: `make repro`, `dvc push`, and a commit of {dataset_rows.pointer(raw)} and the results"
