"""The prediction log: a line of JSON for every row that was answered, every request that was refused, and every label.

    <log>/<day>/<server>.jsonl           time, request_id, role, version, inputs, answer, milliseconds
    <log>/<day>/<server>.refused.jsonl   time, request_id, role, version, rows, mistakes (column, rule, value: its kind)
    <log>/<day>/<server>.feedback.jsonl  time, request_id, label

Days are UTC. Each server process writes its own files. A line is handed to the operating system before the answer is sent, so a
server that is killed loses none; a line that a full disk cuts short is removed, and the answer is not sent.
"""

import datetime
import os
import time
import uuid
from pathlib import Path

from lifecycle.core.errors import ProjectError

RETRY_SECONDS = 10.0  # how long a server whose log cannot be written is not ready, before it tries again
PREDICTIONS, FEEDBACK, REFUSED = "jsonl", "feedback.jsonl", "refused.jsonl"
SKEW = datetime.timedelta(minutes=5)  # by which the clocks of two servers may differ


class LogError(ProjectError):
    """The log cannot be written, so no answer may be sent."""

    exit_code = 2


class Log:
    """The files that one server process writes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.server = uuid.uuid4().hex[:12]
        self._files: dict[str, tuple[str, int]] = {}  # kind → day and file that is open
        self._failed: tuple[float, str] | None = None  # when, and why

    def write(self, lines: list[bytes], day: str, kind: str = PREDICTIONS) -> None:
        """Hand whole lines to the operating system. Raises LogError if it does not take them all; then none is written."""
        content = b"".join(lines)
        try:
            file = self._file(kind, day)
            written = os.write(file, content)
            if written < len(content):
                os.ftruncate(file, os.fstat(file).st_size - written)
                raise OSError("the disk is full")
        except OSError as error:
            problem = f"the prediction log in {self.folder} cannot be written: {error}"
            self._failed = time.monotonic(), problem
            raise LogError(problem) from None
        self._failed = None

    @property
    def problem(self) -> str | None:
        """Return why the log could not be written a moment ago; None if it could, or it is time to try again."""
        return self._failed[1] if self._failed and time.monotonic() < self._failed[0] + RETRY_SECONDS else None

    def _file(self, kind: str, day: str) -> int:
        open_day, file = self._files.get(kind, ("", -1))
        if open_day != day or not os.fstat(file).st_nlink:  # a new day, or the file was removed
            if open_day:
                os.close(file)
                del self._files[kind]
            path = self.folder / day / f"{self.server}.{kind}"
            path.parent.mkdir(parents=True, exist_ok=True)
            file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
            self._files[kind] = day, file
        return file

    def close(self) -> None:
        for _, file in self._files.values():
            os.close(file)
        self._files.clear()
