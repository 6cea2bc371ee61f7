"""The dataset of a worktree: given new rows, tracked by DVC, and with a file beside it that says where they came from."""

from pathlib import Path

import pandas as pd

from lifecycle.core import config, contract
from lifecycle.core.config import Params
from lifecycle.core.dvc import dvc, failure_line, remotes
from lifecycle.core.errors import ConfigError, DataError
from lifecycle.core.files import parse_yaml, read_yaml, write_text
from lifecycle.core.raw_table import read_raw
from lifecycle.prediction_log.labels import Labelled
from lifecycle.retraining import new_rows as merge
from lifecycle.retraining import raw_file


def add_rows(folder: Path, params: Params, rows: list[Labelled], min_rows: int) -> tuple[merge.New, str | None]:
    """Add labelled rows to the dataset of a worktree, if they are enough: then return them, and the dataset's new hash.

    Raises:
        ConfigError: the dataset is not tracked by a .dvc file of its own.
        DataError: it cannot be fetched, or with the new rows it breaks the contract as a whole.
    """
    schema = contract.load(folder / config.CONTRACT, params.package)
    raw, beside = folder / params.data.raw, folder / sources_file(params.data.raw)
    tracked = [
        file for file in (pointer(params.data.raw), pointer(sources_file(params.data.raw))) if (folder / file).exists()
    ]
    if pointer(params.data.raw) not in tracked:
        raise ConfigError(f"{params.data.raw} has no .dvc file of its own in git: `dvc add {params.data.raw}` makes it")
    done = dvc("pull", "--quiet", *map(str, tracked), folder=folder)
    if done.returncode or not raw.exists():
        raise DataError(f"{params.data.raw} cannot be fetched: {failure_line(done)}")
    dataset = read_raw(raw, schema)
    columns = read_yaml(folder / config.CONTRACT)["columns"]
    new = merge.select(rows, dataset, schema, {str(name): columns[name] for name in dataset}, params)
    if len(new.records) < min_rows:
        return new, None
    raw_file.append(new.frame, new.records, raw)
    failed = [
        check for check in contract.validate(read_raw(raw, schema), schema, params.data.id) if not check["passed"]
    ]
    if failed:
        raise DataError(
            f"with the {len(new.records):,} new rows {params.data.raw} breaks the contract: {contract.describe(failed)}; "
            f"if that is how the world is now, change {config.CONTRACT} by a pull request first"
        )
    where = merge.sources(new, params.data.id)
    where = pd.concat([pd.read_csv(beside, dtype=str), where.astype(str)]) if beside.exists() else where
    write_text(where.to_csv(index=False), beside)
    return new, _track(folder, params.data.raw)


def push_embedded(folder: Path, raw: Path) -> None:
    """Push the dataset if its remote is a folder of the repo itself: then it is a part of the commit."""
    remote = read_yaml(folder / pointer(raw))["outs"][0].get("remote")
    place = remotes(folder).get(remote)
    if place and place.is_relative_to(folder.resolve()):
        files = [str(pointer(raw)), str(pointer(sources_file(raw)))]
        done = dvc("push", "--quiet", *files, folder=folder)
        if done.returncode:
            raise DataError(f"dvc push: {failure_line(done)}")


def pointer(path: Path) -> Path:
    """Return the .dvc file of a path."""
    return Path(f"{path}.dvc")


def sources_file(raw: Path) -> Path:
    """Return where it is kept from where the rows of the dataset came that were added to it."""
    return raw.with_name(f"{raw.name.partition('.')[0]}.sources.csv")


def md5_at(text: str | None) -> str | None:
    """Return the hash that the text of a .dvc file has, if it has one."""
    outs = parse_yaml(text or "{}", "a .dvc file").get("outs") or [{}]
    return outs[0].get("md5")


def _track(folder: Path, raw: Path) -> str:
    """Put the dataset, and the file beside it, under DVC's control; in the same remote. Returns the dataset's hash."""
    added = [str(raw), str(sources_file(raw))]
    done = dvc("add", "--quiet", *added, folder=folder)
    if done.returncode:
        raise DataError(f"dvc add: {failure_line(done)}")
    main = read_yaml(folder / pointer(raw))["outs"][0]
    side = folder / pointer(sources_file(raw))
    if "remote" in main and "remote:" not in side.read_text():
        write_text(side.read_text().rstrip("\n") + f"\n  remote: {main['remote']}\n", side)
    return main["md5"]
