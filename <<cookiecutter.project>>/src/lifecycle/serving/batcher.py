"""A version that is served: requests that arrive at the same time are batched into one call of its model.

Requests wait while the model is busy; gathering.py says which are scored together. If a call fails, its requests are scored one by one,
so that only those fail that the model cannot answer. A process that is gone is replaced.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from lifecycle.core.errors import ProjectError
from lifecycle.serving.gathering import MAX_BATCH_ROWS, Gathering
from lifecycle.serving.model_process import ModelError, ModelProcess, ProcessGoneError
from lifecycle.serving.pending_request import Answer, PendingRequest, Row

RESTART_SECONDS = 1.0  # between two attempts to replace a process
CLOSE_SECONDS = 5.0  # in which rows that no client waits for, a shadow's, may still be answered

Record = Callable[["ServedVersion", list[PendingRequest], list[list[Answer]], float], None]


class ServedVersion:
    """A version in a process of its own, and the requests that wait for it."""

    def __init__(
        self,
        version: int,
        load: Callable[[], Awaitable[ModelProcess]],
        record: Record,
        on_lost: Callable[["ServedVersion"], None],
    ) -> None:
        """Describe a version; `start` loads it.

        Args:
            version: its number in the registry.
            load: starts a process that has loaded it.
            record: is given requests, their answers and the seconds that the model took, before the clients get their answers.
            on_lost: is called when the process is gone.
        """
        self.version = version
        self.users = 0
        self.known: list[dict[str, Any]] = []  # rows that were logged with the model
        self.known_answers: list[dict[str, Any]] = []
        self.metadata: dict[str, Any] = {}
        self.environment: list[str] = []
        """How this server's packages differ from those that the version was made with."""
        self.problem: str | None = None
        """Why its process could not be replaced, if so."""
        self._load, self._record, self._on_lost = load, record, on_lost
        self._process: ModelProcess | None = None
        self._gathering = Gathering()
        self._work: asyncio.Task[None] | None = None
        self._next_start = 0.0

    async def start(self) -> None:
        """Load the model. Raises DataError if it does not load, or does not reproduce the predictions of `evaluate`."""
        self._process = await self._load()
        self.problem = None
        self.known, self.known_answers = self._process.known, self._process.known_answers
        self.metadata = self._process.metadata

    @property
    def waiting_rows(self) -> int:
        return self._gathering.rows

    @property
    def pid(self) -> int:
        """Of its process; 0 if there is none."""
        return self._process.pid if self._process else 0

    async def predict(self, rows: list[Row], role: str) -> list[Answer]:
        """Return an answer per row, in order. Raises ModelError if the model fails on one of them."""
        answers: list[Answer] = []
        for start in range(0, len(rows), MAX_BATCH_ROWS):  # one after the other: other requests get their turn between
            answers += await self.enqueue(rows[start : start + MAX_BATCH_ROWS], role)
        return answers

    def enqueue(
        self, rows: list[Row], role: str, production_answers: list[Answer] | None = None
    ) -> asyncio.Future[list[Answer]]:
        """Queue up to MAX_BATCH_ROWS rows, to be scored together, and return the future of their answers."""
        future = asyncio.get_running_loop().create_future()
        self._gathering.add(PendingRequest(rows, role, future, time.perf_counter(), production_answers or []))
        if self._work is None:
            self._work = asyncio.create_task(self._work_off())
        return future

    async def close(self) -> None:
        """End the process once no request uses it."""
        while self.users:
            await asyncio.sleep(0.05)
        deadline = time.monotonic() + CLOSE_SECONDS
        while self._work and time.monotonic() < deadline:
            await asyncio.sleep(0.05)
        if self._work:  # it hangs, or is far behind
            self._work.cancel()
            await asyncio.gather(self._work, return_exceptions=True)
        while self._gathering.waiting:
            self._gathering.waiting.popleft().fail(ModelError("it is no longer served"))
        if self._process:
            self._process.close()

    async def _work_off(self) -> None:
        while self._gathering.waiting:
            await self._gathering.wait()
            batch = self._gathering.next_batch()
            try:
                await self._predict_together(batch)
            except ModelError:
                for request in batch:
                    await self._predict_alone(request)
            except Exception as error:  # whatever it is, no client may wait for ever
                for request in batch:
                    request.fail(error)
        self._work = None

    async def _predict_together(self, batch: list[PendingRequest]) -> None:
        batch = [request for request in batch if not request.future.done()]
        if not batch:  # their clients have given up
            return
        process = await self._running_process()
        began = time.perf_counter()
        try:
            answers = iter(await process.predict([row.record for request in batch for row in request.rows]))
        except ProcessGoneError:
            process.close()
            self._process = None
            self._on_lost(self)
            raise
        seconds = time.perf_counter() - began
        self._gathering.learn(len(batch), seconds)
        pairs = [(request, [next(answers) for _ in request.rows]) for request in batch]
        # Soon: the next call, if there is one, begins before.
        asyncio.get_running_loop().call_soon(self._answer, pairs, seconds)

    def _answer(self, pairs: list[tuple[PendingRequest, list[Answer]]], seconds: float) -> None:
        pairs = [(request, answers) for request, answers in pairs if not request.future.done()]
        try:
            self._record(self, [request for request, _ in pairs], [answers for _, answers in pairs], seconds)
        except Exception as error:  # whatever it is, no client may wait for ever
            for request, _ in pairs:
                request.fail(error)
        for request, answers in pairs:
            if not request.future.done():
                request.future.set_result(answers)

    async def _predict_alone(self, request: PendingRequest) -> None:
        for last_attempt in (False, True):
            try:
                return await self._predict_together([request])
            except ProcessGoneError as error:  # another request may have caused it
                if last_attempt:
                    request.fail(error)
            except Exception as error:
                return request.fail(error)
        return None

    async def _running_process(self) -> ModelProcess:
        if self._process is None:
            if time.monotonic() < self._next_start:
                raise ModelError("its process is gone, and could not be replaced a moment ago")
            try:
                await self.start()
            except (ProjectError, ModelError) as error:
                self._next_start, self.problem = time.monotonic() + RESTART_SECONDS, f"version {self.version}: {error}"
                raise ModelError(str(error)) from None
        assert self._process
        return self._process
