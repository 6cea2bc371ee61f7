"""The dataset of a worktree: new rows at the end of the raw file, tracked by DVC, and a file beside it with their sources."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import pandas as pd

from lifecycle.core import config, contract
from lifecycle.core.config import Params
from lifecycle.core.dvc import dvc, failure_line, remotes
from lifecycle.core.dvc_files import outs_of
from lifecycle.core.errors import ConfigError, DataError, RefusedError
from lifecycle.core.files import read_text, read_yaml, write_text
from lifecycle.core.raw_table import read_raw
from lifecycle.prediction_log.labelled_rows import Labelled
from lifecycle.prediction_log.private_columns import OMIT, describe, private_columns
from lifecycle.retraining.appended_rows import append
from lifecycle.retraining.new_rows import NewRows, select, sources


def add_rows(folder: Path, params: Params, rows: list[Labelled], min_rows: int) -> tuple[NewRows, str | None]:
    """Add labelled rows to the dataset of a worktree; return those that are new, and the hash of the new dataset.

    Args:
        folder: the worktree.
        params: of the worktree.
        rows: labelled rows of the log, the earliest first.
        min_rows: with fewer new rows nothing is added, and the hash is None.

    Raises:
        ConfigError: the dataset is not tracked by a .dvc file of its own.
        DataError: it cannot be fetched, or with the new rows it breaks the contract as a whole.
        RefusedError: the prediction log leaves out or hashes a column that the rows need.
    """
    if ".." in params.data.raw.parts:
        raise ConfigError(
            f"{params.data.raw} is the table of another model: retrain that one, and this one has the new rows too"
        )
    _refuse_private(folder, params)
    schema = contract.load(folder / config.CONTRACT, params.package)
    raw, beside = folder / params.data.raw, folder / sources_file(params.data.raw)
    pointers = [pointer(params.data.raw), pointer(sources_file(params.data.raw))]
    tracked = [file for file in pointers if (folder / file).exists()]
    if pointers[0] not in tracked:
        raise ConfigError(f"{params.data.raw} has no .dvc file in git: make one with `dvc add {params.data.raw}`")
    pull = dvc("pull", "--quiet", *map(str, tracked), folder=folder)
    if pull.returncode or not raw.exists():
        raise DataError(f"{params.data.raw} cannot be fetched: {failure_line(pull)}")
    data = params.data.model_copy(update={"raw": raw})
    dataset = read_raw(raw, schema, data)
    columns = read_yaml(folder / config.CONTRACT)["columns"]
    new = select(
        rows, dataset, schema, {str(name): columns[name] for name in dataset}, params.model_copy(update={"data": data})
    )
    if len(new.records) < min_rows:
        return new, None
    append(new.frame, new.records, raw, data)
    checks = contract.validate(read_raw(raw, schema, data), schema, params.data.id)
    if failed := [check for check in checks if not check["passed"]]:
        raise DataError(
            f"with the {len(new.records):,} new rows {params.data.raw} breaks the contract: {contract.describe(failed)}; "
            f"if the data has changed for good, change {config.CONTRACT} in a pull request first"
        )
    origin = sources(new, params.data.id)
    if beside.exists():
        origin = pd.concat([pd.read_csv(beside, dtype=str), origin.astype(str)])
    write_text(origin.to_csv(index=False), beside)
    return new, _track(folder, params.data.raw)


def _refuse_private(folder: Path, params: Params) -> None:
    """Raise RefusedError if the log does not have a column of the dataset; only one that the model is not given may be left out."""
    private = private_columns(folder / config.CONTRACT)
    spared = [name for name in params.data.exclude if private.get(name) == OMIT]
    if needed := {name: treatment for name, treatment in private.items() if name not in spared}:
        raise RefusedError(
            f"the prediction log does not have what the dataset needs: {describe(needed)}; new rows have to come from "
            f"elsewhere, or take metadata.log out of {config.CONTRACT}"
        )


def push_embedded(folder: Path, raw: Path) -> None:
    """Push the dataset if its remote is a folder of the repo: then it is part of the commit. Raises DataError if that fails."""
    place = remotes(folder).get(str(_output(folder, raw).get("remote")))
    if place and place.is_relative_to(folder.resolve()):
        files = [str(pointer(raw)), str(pointer(sources_file(raw)))]
        push = dvc("push", "--quiet", *files, folder=folder)
        if push.returncode:
            raise DataError(f"dvc push: {failure_line(push)}")


def pointer(path: Path) -> Path:
    """Return the .dvc file of a path."""
    return Path(f"{path}.dvc")


def sources_file(raw: Path) -> Path:
    """Return the file that says where the rows that were added to the dataset came from."""
    return raw.with_name(f"{raw.name.partition('.')[0]}.sources.csv")


def md5_of(text: str | None) -> str | None:
    """Return the hash in the text of a .dvc file, if there is one."""
    with suppress(ConfigError):
        return outs_of(text, "a .dvc file")[0].get("md5")
    return None


def _track(folder: Path, raw: Path) -> str:
    """Add the dataset, and the file beside it, to DVC, both in the same remote. Returns the hash of the dataset."""
    add = dvc("add", "--quiet", str(raw), str(sources_file(raw)), folder=folder)
    if add.returncode:
        raise DataError(f"dvc add: {failure_line(add)}")
    output = _output(folder, raw)
    beside = folder / pointer(sources_file(raw))
    if "remote" in output and "remote:" not in beside.read_text():
        write_text(beside.read_text().rstrip("\n") + f"\n  remote: {output['remote']}\n", beside)
    return str(output["md5"])


def _output(folder: Path, raw: Path) -> dict[str, Any]:
    """What the .dvc file of the dataset says of it."""
    return dict(outs_of(read_text(folder / pointer(raw)), str(pointer(raw)))[0])
