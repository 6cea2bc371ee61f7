"""A process of its own for drift.html: importing Evidently takes seconds, in which the window is read.

This module imports nothing that takes long, so that the process starts first.
"""

import importlib.util
import multiprocessing
import os
import signal
import traceback
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from lifecycle.core.errors import DEBUG, ConfigError, DataError, ProjectError, concerning

if TYPE_CHECKING:
    from lifecycle.monitoring.drift import Compared


class PageProcess:
    """A process that draws one page, and ends with the block or with the process that started it."""

    def __enter__(self) -> Self:
        """Raise ConfigError if Evidently is not installed."""
        if importlib.util.find_spec("evidently") is None:
            raise ConfigError("evidently is not installed; it is in the extra `monitor`: make setup EXTRAS=dev,monitor")
        # Not forked: threads of what is loaded here would not come along.
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._connection.close()
        self._process.kill()
        self._process.join()

    def draw(self, compared: Sequence["Compared"], title: str, paragraphs: Sequence[str], path: Path) -> None:
        """Write the page as `drift_page.draw` does. Raises DataError if it cannot be drawn."""
        try:
            self._connection.send((compared, title, paragraphs, path))
            problem = self._connection.recv()
        except (EOFError, OSError):
            self._process.join()
            problem = f"{path.name}: the process that draws it has ended with exit code {self._process.exitcode}"
        if problem:
            raise DataError(problem)


def _serve(connection: Connection) -> None:
    """Draw the page that is asked for, and answer with what went wrong; end if the other end of the connection is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the other process gets it as well, and ends this one
    from lifecycle.monitoring import drift_page

    with suppress(Exception):  # `draw` says what fails
        drift_page.load()
    with suppress(EOFError, OSError):
        connection.send(_problem(*connection.recv()))


def _problem(compared: Sequence["Compared"], title: str, paragraphs: Sequence[str], path: Path) -> str:
    from lifecycle.monitoring import drift_page

    try:
        with concerning(f"{path.name}: Evidently cannot draw the window"):
            drift_page.draw(compared, title, paragraphs, path)
    except (ProjectError, OSError) as error:
        if os.environ.get(DEBUG):
            traceback.print_exc()
        return str(error)
    return ""
