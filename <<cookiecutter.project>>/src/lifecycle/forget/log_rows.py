"""The rows of an id in the prediction log, taken out of its files in whatever form, also of those that servers write just now.

A line of a file of JSON lines is overwritten with spaces where it stands, which readers pass over and servers do not notice; a
compressed or a Parquet file is replaced by one without the row, in one step.
"""

import gzip
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lifecycle.core.times import now
from lifecycle.prediction_log import compacted, compacted_day, log_files, reader
from lifecycle.prediction_log.compaction import changing, day_folders
from lifecycle.prediction_log.log_files import GZIP, LogFile
from lifecycle.prediction_log.private_columns import HASH, Redaction, is_hashed
from lifecycle.prediction_log.writer import FEEDBACK, PREDICTIONS, REFUSED

UNFINISHED = ".forget.unfinished"


@dataclass
class Removed:
    """How many lines were taken out."""

    answers: int = 0
    labels: int = 0
    refusals: int = 0
    request_ids: set[str] = field(default_factory=set)
    """Under which the row was answered."""


class Wanted:
    """What tells that a line is of the row."""

    def __init__(self, row_id: str, column: str, key: bytes = b"") -> None:
        """`column` is that of ids; `key` is that of hashed columns, if there is one."""
        self.row_id, self.column = row_id, column
        self.request_ids = {row_id}
        values: list[Any] = [row_id]
        if row_id.lstrip("-").isdecimal():
            values += [int(row_id), float(row_id)]
        self._texts = [json.dumps(row_id, ensure_ascii=ascii_only)[1:-1].encode() for ascii_only in (True, False)]
        self.hashes = {Redaction({column: HASH}, key).value(column, value) for value in values} if key else set()
        self._texts += [code.encode() for code in self.hashes]

    def in_answer(self, line: bytes) -> bool:
        """Return whether an answer is of the row, and note its request id. A damaged line that names the row is, too."""
        if not self._may_be(line):
            return False
        try:
            answer = json.loads(line)
            value, request_id = answer.get("inputs", {}).get(self.column), answer.get("request_id")
        except (ValueError, AttributeError, RecursionError):
            return True
        if self._is_id(value):
            self.request_ids.add(str(request_id))
            return True
        return bool(request_id == self.row_id)

    def in_label(self, line: bytes) -> bool:
        """Return whether a label is of the row. All its answers have to be known by then."""
        try:
            return json.loads(line).get("request_id") in self.request_ids
        except (ValueError, AttributeError, TypeError, RecursionError):
            return self._may_be(line)

    def in_refusal(self, line: bytes) -> bool:
        """Return whether a refusal is of the row: by its request, or by the value that it was refused for."""
        try:
            refusal = json.loads(line)
            mistakes = [item for item in refusal.get("mistakes", ()) if item.get("column") == self.column]
            sent = any(self._is_id(json.loads(item["sent"])) for item in mistakes if "sent" in item)
            return sent or refusal.get("request_id") in self.request_ids
        except (ValueError, AttributeError, TypeError, RecursionError):
            return self._may_be(line)

    def _is_id(self, value: Any) -> bool:
        return value in self.hashes if is_hashed(value) else value is not None and str(value) == self.row_id

    def _may_be(self, line: bytes) -> bool:
        """Whether a line holds the id somewhere: most do not, and need not be parsed."""
        return any(text in line for text in self._texts)


def forget(log: Path, wanted: Wanted) -> Removed:
    """Take the row out of the log. Raises RefusedError if another process changes the log, OSError if a file cannot be read."""
    removed = Removed()
    with changing(log):
        removed.answers = _forget_kind(log, PREDICTIONS, wanted.in_answer)
        removed.labels = _forget_kind(log, FEEDBACK, wanted.in_label)
        removed.refusals = _forget_kind(log, REFUSED, wanted.in_refusal)
    removed.request_ids = wanted.request_ids - {wanted.row_id}
    return removed


def _forget_kind(log: Path, kind: str, is_wanted: Callable[[bytes], bool]) -> int:
    count = 0
    for folder in day_folders(log):
        window = compacted_day.window_of(folder)
        if any(file.start for files in log_files.days(log, kind, window) for file in files):
            compacted_day.compact(folder, kind)  # a compaction that was cut off is finished first
        for files in log_files.days(log, kind, window):
            for file in files:
                if file.is_compacted:
                    count += _from_parquet(file, is_wanted)
                elif file.path.endswith(GZIP):
                    count += _from_compressed(file, is_wanted)
                else:
                    count += _from_lines(Path(file.path), is_wanted, is_over=folder.name < f"{now():%Y-%m-%d}")
    return count


def _from_lines(path: Path, is_wanted: Callable[[bytes], bool], is_over: bool) -> int:
    """While the day is not over, a line without an end is being written."""
    count = place = 0
    with path.open("r+b", buffering=0) as file, path.open("rb") as lines:
        for line in lines:
            content = line.rstrip(b"\n")
            if content.strip() and (is_over or line.endswith(b"\n")) and is_wanted(content):
                os.pwrite(file.fileno(), b" " * len(content), place)
                count += 1
            place += len(line)
        if count:
            os.fsync(file.fileno())
    return count


def _from_compressed(file: LogFile, is_wanted: Callable[[bytes], bool]) -> int:
    lines = [line for block in reader.line_blocks(file) for line in block]
    others = [line for line in lines if not is_wanted(line)]
    if len(others) < len(lines):
        with _replacing(Path(file.path)) as temporary:
            temporary.write_bytes(gzip.compress(b"".join(line + b"\n" for line in others)))
    return len(lines) - len(others)


def _from_parquet(file: LogFile, is_wanted: Callable[[bytes], bool]) -> int:
    if not any(is_wanted(line) for _, lines in compacted.row_groups(file.stream) for line in lines):
        return 0
    count = 0
    file.stream.seek(0)
    made_of = compacted.sources(file.stream)
    with _replacing(Path(file.path)) as temporary, compacted.writer(temporary) as new:
        for _, lines in compacted.row_groups(file.stream):
            others = [line for line in lines if not is_wanted(line)]
            count += len(lines) - len(others)
            if others:
                new.write_table(compacted_day.table_of(others))
        compacted.name_sources(new, made_of)
    return count


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside a file, which replaces it in the end."""
    temporary = path.with_name(UNFINISHED)
    try:
        yield temporary
        compacted_day.put(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
