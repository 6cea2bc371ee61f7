"""The server's end of model_worker.py: starts it, loads versions in processes of their own, and has them score rows."""

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
from lifecycle.core.version_loading import ONE_THREAD
from lifecycle.serving import model_worker
from lifecycle.serving.pending_request import Answer

EXIT_SECONDS = 2.0  # that a process has to end by itself once a call has taken too long
START_SECONDS = 60.0  # importing pandas and scikit-learn takes a few


class ModelError(Exception):
    """The model did not answer: what it raised, or that its process is gone."""


class ProcessGoneError(ModelError):
    """The model's process has crashed, or hung and was stopped."""


class ForkServer:
    """The process that versions are forked from; started when first needed, and again if it is gone."""

    def __init__(self) -> None:
        self.socket = Path(tempfile.mkdtemp(prefix="versions-")) / "socket"
        self.starting = asyncio.Lock()
        self.process: subprocess.Popen[bytes] | None = None

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Return a connection, behind which is a new process. Raises ModelError if none can be started."""
        async with self.starting:
            if self.process is None or self.process.poll() is not None:
                self._start()
            deadline = time.monotonic() + START_SECONDS
            while True:
                try:
                    return await asyncio.open_unix_connection(self.socket)
                except OSError as error:
                    if self.process is None or self.process.poll() is not None or time.monotonic() > deadline:
                        raise ModelError(f"cannot start a process for the model: {error}") from None
                await asyncio.sleep(0.02)

    def _start(self) -> None:
        self.socket.unlink(missing_ok=True)
        self.process = subprocess.Popen(
            [sys.executable, "-P", model_worker.__file__, str(self.socket)],
            env=os.environ | ONE_THREAD,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for the server, which then ends its processes in order
        )

    def close(self) -> None:
        if self.process:  # it holds nothing; the processes of versions end with their connections
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.socket.parent, ignore_errors=True)


class ModelProcess:
    """One version of the model, loaded in a process of its own."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self.known: list[dict[str, Any]] = []  # rows that were logged with the model
        self.known_answers: list[dict[str, Any]] = []
        self.metadata: dict[str, Any] = {}  # `inputs`, `task` and `target` of the model
        self.pid, self.seconds = 0, 0.0

    @classmethod
    async def load(cls, fork_server: ForkServer, folder: Path, seconds: float, idle: bool = False) -> "ModelProcess":
        """Load a version and check that it reproduces the predictions of `evaluate` for the rows logged with it.

        Args:
            fork_server: starts its process.
            folder: the version's files.
            seconds: how long one call may take.
            idle: let everything else on the machine go first.

        Raises DataError if the version does not load or predicts something else; ModelError if no process can be started.
        """
        process = cls(*await fork_server.connect())
        try:
            request = {"folder": str(folder), "seconds": seconds, "idle": idle}
            loaded, _ = await process._call(json.dumps(request).encode(), model_worker.LOAD_SECONDS)
        except ModelError as error:
            process.close()
            raise DataError(f"it does not load: {error}") from None
        except asyncio.CancelledError:
            process.close()
            raise
        if not loaded["difference"] <= TOLERANCE:
            process.close()
            raise DataError(f"its predictions differ from those of evaluate by up to {loaded['difference']:.3g}")
        process.known, process.known_answers, process.metadata = loaded["known"], loaded["answers"], loaded
        process.pid, process.seconds = loaded["pid"], seconds
        return process

    async def predict(self, records: list[bytes]) -> list[Answer]:
        """Return an answer per record, of JSON. One call at a time. Raises ModelError if the model fails."""
        content, answers = await self._call(b"[" + b",".join(records) + b"]", self.seconds)
        return [Answer(answer[1:], score) for answer, score in zip(answers, content["scores"], strict=True)]

    async def _call(self, line: bytes, seconds: float) -> tuple[dict[str, Any], list[bytes]]:
        try:
            self._writer.write(line + b"\n")
            async with asyncio.timeout(seconds + EXIT_SECONDS):
                length = await self._reader.readexactly(model_worker.LENGTH_BYTES)
                reply = await self._reader.readexactly(int.from_bytes(length))
        except TimeoutError:  # it should have ended by itself: it is stopped, or ignores signals
            reply = b""
            if self.pid:
                with suppress(ProcessLookupError):
                    os.kill(self.pid, signal.SIGKILL)
        except (OSError, EOFError):
            reply = b""
        if not reply:
            raise ProcessGoneError("its process crashed, or took too long and was stopped")
        head, *answers = reply.split(b"\n")
        content: dict[str, Any] = json.loads(head)
        if "error" in content:
            raise ModelError(content["error"])
        return content, answers

    def close(self) -> None:
        """End the process."""
        self._writer.close()
