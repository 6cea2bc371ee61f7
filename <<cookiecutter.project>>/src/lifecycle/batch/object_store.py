"""Tables and scores in an object store, for the local engine: fetched before the run, and put in place after it.

A store cannot swap folders. So a date's scores are one object, which is replaced as a whole, after that of the quarantine.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from lifecycle.batch.date_folders import dated_folders
from lifecycle.batch.job import Job
from lifecycle.batch.output import DATE, NOTHING_WRITTEN, QUARANTINE, partition
from lifecycle.core.errors import ConfigError
from lifecycle.core.outage import within

PIECE = 16_777_216  # bytes that are read at a time
SLOWEST = 1_000_000  # bytes a second, below which a store counts as frozen
FILE = "part-0.parquet"  # as the local engine writes it
EXTRAS = {"s3": "s3", "s3a": "s3", "gs": "gs", "gcs": "gs", "az": "azure", "abfs": "azure", "abfss": "azure"}


def is_address(path: str) -> bool:
    return "://" in path


def check(source: str, output: str, dates: Iterable[str]) -> None:
    """Check what an object store is asked for, before any work.

    Raises ConfigError if it cannot be reached, has no such table, the two overlap, or a date's folder holds what this engine has not written.
    """
    if is_address(output):
        if "/" not in output.partition("://")[2]:
            raise ConfigError(f"--output {output}: name a folder in it, beside which the quarantine can be written")
        roots = (output, output + QUARANTINE)
        if root := next((root for root in roots if _is_inside(source, root) or _is_inside(root, source)), None):
            raise ConfigError(f"--input {source} and {root} overlap: name another --output")
        for place in [f"{root}/{DATE}={date}" for root in roots for date in dates]:
            store, path = _store(place)
            others = [name for name in _within(lambda: store.find(path), place) if Path(name).name != FILE]  # noqa: B023
            if others:
                raise ConfigError(
                    f"{place}: holds {Path(others[0]).name}, which another engine wrote: name another --output"
                )
    if is_address(source):
        remote_files(source)


def names_in(source: str) -> set[str]:
    """Return the names of what a table's folder in a store holds. Raises ConfigError if there is no such folder."""
    root = _store(source)[1]
    return {_name_below(root, path) for path in remote_files(source)}


def _name_below(root: str, path: str) -> str:
    return os.path.relpath(path, root).partition("/")[0]


def _is_inside(path: str, folder: str) -> bool:
    return f"{path}/".startswith(f"{folder}/")


def remote_files(source: str) -> list[str]:
    """Return the paths of a table's files in its store. Raises ConfigError if there are none."""
    store, root = _store(source)
    files: list[str] = _within(lambda: store.find(root), source)
    if not files:
        raise ConfigError(f"{source}: no such file or folder; name the table in --input")
    return files


def score(job: Job, cache: Path, command: list[str], environment: dict[str, str]) -> int:
    """Run a job whose input or output is in a store; return the exit code of the process that scores.

    Args:
        job: with addresses.
        cache: where files lie meanwhile.
        command: that runs a job, without the job.
        environment: of that process.
    """
    with tempfile.TemporaryDirectory(dir=cache, prefix=".store-") as temporary:
        folder = Path(temporary).resolve()
        source = _fetched(job, folder / "input") if is_address(job.input) else job.input
        output = str(folder / "scores") if is_address(job.output) else job.output
        with _running([*command, replace(job, input=source, output=output).to_json()], environment) as process:
            printed, errors = process.communicate()
        for text, descriptor in ((errors, 2), (printed, 1)):
            if descriptor == 1 and output != job.output:
                _put_dates(output, job)
            os.write(descriptor, text.replace(output, job.output).replace(source, job.input).encode())
        return process.returncode


@contextmanager
def _running(command: list[str], environment: dict[str, str]) -> Iterator["subprocess.Popen[str]"]:
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()  # it has ended, unless this process is being stopped
        process.wait()


def _fetched(job: Job, folder: Path) -> str:
    """Copy a job's table into a folder, of a range only its dates; return the path of its copy there."""
    source = job.input
    store, root = _store(source)
    paths = remote_files(source)
    if job.dates:
        folders = dated_folders(source, {_name_below(root, path) for path in paths}, job.dates).values()
        paths = [path for path in paths if _name_below(root, path) in folders]
    for path in paths:
        target = folder / Path(root).name / os.path.relpath(path, root)
        target.parent.mkdir(parents=True, exist_ok=True)
        with _within(lambda: store.open(path, "rb", block_size=PIECE), source) as file, target.open("wb") as copy:  # noqa: B023
            while piece := _within(lambda: file.read(PIECE), source):
                copy.write(piece)
    return str(folder / Path(root).name)


def _put_dates(output: str, job: Job) -> None:
    """Put the dates that were scored into a folder in place."""
    for date in [date for date in job.dates or (job.date,) if partition(output, date).exists()]:
        for ending in (QUARANTINE, ""):  # scores last: until then readers see the previous run
            _put(partition(output + ending, date), job.output + ending, date)


def _put(folder: Path, address: str, date: str) -> None:
    """Put a date's file of a folder into the store, where it replaces the previous one."""
    file = folder / FILE
    place = f"{address}/{DATE}={date}"
    store, path = _store(place)
    seconds = file.stat().st_size / SLOWEST
    _within(lambda: store.put_file(str(file), f"{path}/{FILE}"), f"{place}: cannot be written", seconds)
    shutil.rmtree(folder)


def _within(call: Callable[[], Any], subject: str, more_seconds: float = 0.0) -> Any:
    """Return what a call of a store returns. Raises ConfigError if it fails or takes too long."""
    try:
        return within(call, subject, more_seconds)
    except OSError as error:  # no such bucket, or no permission
        raise ConfigError(f"{subject}: {error}; {NOTHING_WRITTEN}") from None


def _store(address: str) -> tuple[Any, str]:
    import fsspec

    try:
        store, path = fsspec.core.url_to_fs(address)
    except (ImportError, ValueError) as error:
        protocol = address.partition("://")[0]
        extra = f": make setup EXTRAS=dev,{EXTRAS[protocol]}" if protocol in EXTRAS else ""
        raise ConfigError(f"{address}: cannot be reached: {error}{extra}; {NOTHING_WRITTEN}") from None
    store.invalidate_cache()
    return store, path.rstrip("/")
