"""The dataset of a worktree: new rows at the end of the raw file, tracked by DVC, and a file beside it with their sources.

Rows are added in the file's own format, columns and order; what is there stays byte for byte.
"""

import csv
import io
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as arrow
import pyarrow.csv
import pyarrow.parquet

from lifecycle.core import config, contract
from lifecycle.core.config import Params
from lifecycle.core.dvc import dvc, failure_line, remotes
from lifecycle.core.errors import ConfigError, DataError
from lifecycle.core.files import parse_yaml, read_yaml, replacing, write_text
from lifecycle.core.raw_table import csv_header, read_raw
from lifecycle.prediction_log.labelled_rows import Labelled
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
    """
    schema = contract.load(folder / config.CONTRACT, params.package)
    raw, beside = folder / params.data.raw, folder / sources_file(params.data.raw)
    pointers = [pointer(params.data.raw), pointer(sources_file(params.data.raw))]
    tracked = [file for file in pointers if (folder / file).exists()]
    if pointers[0] not in tracked:
        raise ConfigError(f"{params.data.raw} has no .dvc file in git: make one with `dvc add {params.data.raw}`")
    pull = dvc("pull", "--quiet", *map(str, tracked), folder=folder)
    if pull.returncode or not raw.exists():
        raise DataError(f"{params.data.raw} cannot be fetched: {failure_line(pull)}")
    dataset = read_raw(raw, schema, params.data)
    columns = read_yaml(folder / config.CONTRACT)["columns"]
    new = select(rows, dataset, schema, {str(name): columns[name] for name in dataset}, params)
    if len(new.records) < min_rows:
        return new, None
    append(new.frame, new.records, raw)
    checks = contract.validate(read_raw(raw, schema, params.data), schema, params.data.id)
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


def append(rows: pd.DataFrame, records: list[dict[str, Any]], path: Path) -> None:
    """Add rows to a CSV (compressed or not) or Parquet file; columns of the file that they lack are left empty.

    Args:
        rows: with the contract's types.
        records: the same rows, with JSON's types.
        path: of the file.
    """
    if path.suffix == ".parquet":
        _append_parquet(rows, path)
    else:
        _append_csv(records, path)


def push_embedded(folder: Path, raw: Path) -> None:
    """Push the dataset if its remote is a folder of the repo: then it is part of the commit. Raises DataError if that fails."""
    remote = read_yaml(folder / pointer(raw))["outs"][0].get("remote")
    place = remotes(folder).get(remote)
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
    outs = parse_yaml(text or "{}", "a .dvc file").get("outs") or [{}]
    md5 = outs[0].get("md5")
    return None if md5 is None else str(md5)


def _track(folder: Path, raw: Path) -> str:
    """Add the dataset, and the file beside it, to DVC, both in the same remote. Returns the hash of the dataset."""
    add = dvc("add", "--quiet", str(raw), str(sources_file(raw)), folder=folder)
    if add.returncode:
        raise DataError(f"dvc add: {failure_line(add)}")
    output = read_yaml(folder / pointer(raw))["outs"][0]
    beside = folder / pointer(sources_file(raw))
    if "remote" in output and "remote:" not in beside.read_text():
        write_text(beside.read_text().rstrip("\n") + f"\n  remote: {output['remote']}\n", beside)
    return str(output["md5"])


def _append_csv(records: list[dict[str, Any]], path: Path) -> None:
    header = csv_header(path)
    with replacing(path) as temporary:
        target = temporary.with_name(f"{temporary.name}{path.suffix}")  # whose suffix says how to compress it
        try:
            with (
                arrow.input_stream(str(path), compression="detect") as old,
                arrow.output_stream(str(target), compression="detect") as new,
            ):
                block = last = old.read(65536)
                end = "\r\n" if b"\r\n" in block else "\n"
                while block:
                    new.write(block)
                    last, block = block, old.read(8_388_608)
                text = io.StringIO()
                writer = csv.DictWriter(text, header, restval=None, extrasaction="ignore", lineterminator=end)
                writer.writerows([{name: _csv_value(value) for name, value in record.items()} for record in records])
                start = "" if last.endswith((b"\n", b"\r")) else end
                new.write((start + text.getvalue()).encode())
            shutil.move(target, temporary)
        finally:
            target.unlink(missing_ok=True)


def _append_parquet(rows: pd.DataFrame, path: Path) -> None:
    with pyarrow.parquet.ParquetFile(path) as file:
        old = file.read()
    columns = []
    for field in old.schema:
        if field.name not in rows:
            columns.append(arrow.nulls(len(rows), field.type))
            continue
        values = arrow.array(rows[field.name].astype(object), from_pandas=True)
        plain = field.type.value_type if arrow.types.is_dictionary(field.type) else field.type
        columns.append(values.cast(plain).cast(field.type))
    new = arrow.Table.from_arrays(columns, schema=old.schema)
    with replacing(path) as temporary:
        pyarrow.parquet.write_table(arrow.concat_tables([old, new]).unify_dictionaries(), temporary)


def _csv_value(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value
