"""What a server prints to stderr while it runs: a line for each event, as text or as JSON.

    {"time": "2026-01-31T12:00:00.000Z", "level": "info", "event": "roles_changed", "message": "production is version 3", ...}

Further fields depend on the event. Lines of uvicorn and other libraries have the name of their logger as the event. A line that cannot be
written, because the disk is full or a pipe is closed, is lost: it must not stop the server.
"""

import datetime
import json
import logging
import os
import sys
import time
import traceback
from types import TracebackType
from typing import Any, Literal

Format = Literal["text", "json"]

LOGGER = logging.getLogger("serve")
REPEAT_SECONDS = 60.0  # between two lines about what may happen with every request


class TextFormatter(logging.Formatter):
    """Lines for a terminal: a server's own begin with `serve:`."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        return f"serve: {record.message}" if record.name == LOGGER.name else record.message


class JsonFormatter(logging.Formatter):
    """An object a line, without line breaks inside."""

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.datetime.fromtimestamp(record.created, datetime.UTC)
        content = {
            "time": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "event": getattr(record, "event", record.name),
            "message": " ".join(record.getMessage().split()),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            content["traceback"] = "".join(traceback.format_exception(*record.exc_info))
        return json.dumps(content, ensure_ascii=False, default=str)


def configure(form: Format) -> None:
    """Print what this process logs, libraries included, in one form from now on; before MLflow is imported."""
    logging.raiseExceptions = False
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if form == "json" else TextFormatter())
    logging.getLogger().handlers = [handler]
    LOGGER.setLevel(logging.INFO)
    logging.getLogger("urllib3").setLevel(
        logging.ERROR
    )  # of each attempt to reach MLflow; that it is away is said once
    if form == "json":
        os.environ.setdefault("MLFLOW_CONFIGURE_LOGGING", "false")  # else it has a handler of its own
        sys.excepthook = _log_uncaught


def report(event: str, message: str, level: int = logging.INFO, error: Exception | None = None, **fields: Any) -> None:
    """Print a line for whoever runs the server.

    Args:
        event: what has happened, as programs know it; part of the interface.
        message: the same for people.
        level: of the standard library's logging.
        error: whose traceback is printed as well.
        fields: what else is known; a form for people has only the message.
    """
    LOGGER.log(level, "%s", " ".join(message.split()), exc_info=error, extra={"event": event, "fields": fields})


class RepeatedProblem:
    """A problem that comes back with every request while it lasts: a line a minute, and one when it is over."""

    def __init__(self, event: str, level: int = logging.ERROR) -> None:
        """`event` is that of the lines about it; when it is over, with `_over` behind it."""
        self.event, self.level = event, level
        self._count = 0  # since the last line
        self._last_line: float | None = None  # by time.monotonic(); None if there is no problem

    def add(self, message: str) -> None:
        """Note that it has come up once more."""
        self._count += 1
        if self._last_line is None or time.monotonic() >= self._last_line + REPEAT_SECONDS:
            repeated = f" ({self._count:,} times since the last line)" if self._last_line is not None else ""
            report(self.event, f"{message}{repeated}", self.level, count=self._count)
            self._count, self._last_line = 0, time.monotonic()

    def end(self, message: str) -> None:
        """Note that it has not come up this time."""
        if self._last_line is not None:
            repeated = f" (it came up {self._count:,} more times)" if self._count else ""
            report(f"{self.event}_over", f"{message}{repeated}", count=self._count)
            self._count, self._last_line = 0, None


def _log_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    fields = {"event": "crashed", "fields": {}}
    LOGGER.critical("%s: %s", kind.__name__, error, exc_info=(kind, error, trace), extra=fields)
