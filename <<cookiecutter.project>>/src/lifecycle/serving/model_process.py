"""The server's end of worker.py: starts it, loads versions into processes of their own, and asks them."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from lifecycle.core.errors import DataError
from lifecycle.core.version_files import TOLERANCE
from lifecycle.serving import model_worker as worker

GRACE = 2.0  # seconds that a process has to end by itself, once a call has taken too long
STARTING = 60.0  # seconds; importing pandas and scikit-learn takes a few
LONGEST_LINE = 2**28  # bytes


class ModelError(Exception):
    """The model could not answer: what it raised, or that its process is gone."""


class ProcessGoneError(ModelError):
    """The model's process has crashed, or hung and was stopped."""


class Workers:
    """The process that versions are forked from; it is started when first needed, and again if it is gone."""

    def __init__(self) -> None:
        self.socket = Path(tempfile.mkdtemp(prefix="versions-")) / "socket"
        self.starting = asyncio.Lock()
        self.process: subprocess.Popen[bytes] | None = None

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Return a connection, which is a new process. Raises ModelError if there is none to be had."""
        async with self.starting:
            if self.process is None or self.process.poll() is not None:
                self._start()
            deadline = time.monotonic() + STARTING
            while True:
                try:
                    return await asyncio.open_unix_connection(self.socket, limit=LONGEST_LINE)
                except OSError as error:
                    if self.process is None or self.process.poll() is not None or time.monotonic() > deadline:
                        raise ModelError(f"no process for a model can be started: {error}") from None
                await asyncio.sleep(0.02)

    def _start(self) -> None:
        self.socket.unlink(missing_ok=True)
        # One thread: a process that has more cannot be forked safely, and for a few rows they cost more than they save.
        threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        self.process = subprocess.Popen(
            [sys.executable, "-P", worker.__file__, str(self.socket)],
            env=os.environ | threads,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for the server, which then ends its processes in order
        )

    def close(self) -> None:
        if self.process:
            self.process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(GRACE)
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.socket.parent, ignore_errors=True)


class ModelProcess:
    """One version of the model, loaded in a process of its own."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self.known: list[dict[str, Any]] = []  # rows that were logged with the model
        self.known_answers: list[dict[str, Any]] = []
        self.about: dict[str, Any] = {}  # `inputs`, `task` and `target` of the model
        self.pid, self.seconds = 0, 0.0

    @classmethod
    async def load(cls, workers: Workers, folder: Path, seconds: float, idle: bool = False) -> "ModelProcess":
        """Load the version in a folder and try it: its answers to the rows logged with it must be those of `evaluate`.

        `seconds` is how long one call may take; `idle` lets everything else on the machine go first. Raises DataError if
        the version does not load or answers otherwise; ModelError if no process can be started.
        """
        process = cls(*await workers.connect())
        try:
            asked = {"folder": str(folder), "seconds": seconds, "idle": idle}
            said = await process._ask(json.dumps(asked).encode(), worker.LOADING)
        except ModelError as error:
            process.close()
            raise DataError(f"it does not load: {error}") from None
        except asyncio.CancelledError:
            process.close()
            raise
        if not said["difference"] <= TOLERANCE:
            process.close()
            raise DataError(f"its answers differ from those of evaluate by up to {said['difference']:.3g}")
        process.known, process.known_answers, process.about = said["known"], said["answers"], said
        process.pid, process.seconds = said["pid"], seconds
        return process

    async def answers(self, records: list[bytes]) -> list[dict[str, Any]]:
        """Return an answer per record, of JSON. One call at a time. Raises ModelError if the model cannot answer."""
        return (await self._ask(b"[" + b",".join(records) + b"]", self.seconds))["answers"]

    async def _ask(self, line: bytes, seconds: float) -> dict[str, Any]:
        try:
            self._writer.write(line + b"\n")
            async with asyncio.timeout(seconds + GRACE):
                said = await self._reader.readline()
        except TimeoutError:  # it should have ended by itself: it is stopped, or deaf
            said = b""
            if self.pid:
                with suppress(ProcessLookupError):
                    os.kill(self.pid, signal.SIGKILL)
        except (OSError, ValueError):
            said = b""
        if not said:
            raise ProcessGoneError("its process crashed, or took too long and was stopped")
        answer = json.loads(said)
        if "error" in answer:
            raise ModelError(answer["error"])
        return answer

    def close(self) -> None:
        """End the process."""
        self._writer.close()
