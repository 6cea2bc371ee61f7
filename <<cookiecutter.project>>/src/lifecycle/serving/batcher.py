"""A version that is served: requests that arrive at the same time are batched into one call of its model.

A call costs nearly the same for one row as for fifty. Requests wait while the model is busy; when it is done, it waits a few
milliseconds for those that have just got their answers to send the next request, then scores all of them together. With so many
requests that HTTP takes longer than the model, half of them are scored while the others are answered and sent again. If a call fails,
its requests are scored one by one, so that only those fail that the model cannot answer. A process that is gone is replaced.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from lifecycle.core.errors import ProjectError
from lifecycle.serving.model_process import ModelError, ModelProcess, ProcessGoneError
from lifecycle.serving.pending_request import Answer, PendingRequest, Row

MAX_BATCH_ROWS = 512  # in one call: more cost the same per row, and keep others waiting
GATHER_SECONDS = 0.003  # that a call waits for as many requests as there were a moment ago
REQUEST_SECONDS = 0.00015  # that HTTP takes for a request, about
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
        self.waiting_rows = 0
        self.known: list[dict[str, Any]] = []  # rows that were logged with the model
        self.known_answers: list[dict[str, Any]] = []
        self.metadata: dict[str, Any] = {}
        self.environment: list[str] = []
        """How this server's packages differ from those that the version was made with."""
        self.problem: str | None = None
        """Why its process could not be replaced, if so."""
        self._load, self._record, self._on_lost = load, record, on_lost
        self._process: ModelProcess | None = None
        self._waiting: deque[PendingRequest] = deque()
        self._work: asyncio.Task[None] | None = None
        self._expected, self._call_seconds = 1, 0.0
        self._enough = asyncio.Event()
        self._next_start = 0.0

    async def start(self) -> None:
        """Load the model. Raises DataError if it does not load, or does not reproduce the predictions of `evaluate`."""
        self._process = await self._load()
        self.problem = None
        self.known, self.known_answers = self._process.known, self._process.known_answers
        self.metadata = self._process.metadata

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
        self._waiting.append(PendingRequest(rows, role, future, time.perf_counter(), production_answers or []))
        self.waiting_rows += len(rows)
        if self._work is None:
            self._work = asyncio.create_task(self._work_off())
        if len(self._waiting) >= self._expected:
            self._enough.set()
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
        while self._waiting:
            self._waiting.popleft().fail(ModelError("it is no longer served"))
        if self._process:
            self._process.close()

    async def _work_off(self) -> None:
        while self._waiting:
            await self._gather()
            batch = self._next_batch()
            try:
                await self._predict_together(batch)
            except ModelError:
                for request in batch:
                    await self._predict_alone(request)
            except Exception as error:  # whatever it is, no client may wait for ever
                for request in batch:
                    request.fail(error)
            self._expected = self._batch_size(len(batch) + len(self._waiting))
        self._work = None

    def _batch_size(self, in_flight: int) -> int:
        """For how many of the requests in flight the next call waits."""
        overlaps = in_flight * REQUEST_SECONDS > self._call_seconds
        return -(-in_flight // 3) if overlaps else in_flight  # less than half: some of a half are late

    async def _gather(self) -> None:
        """Wait until enough requests wait: clients that got their answers send the next request."""
        self._enough.clear()
        if len(self._waiting) < self._expected:
            with suppress(TimeoutError):
                async with asyncio.timeout(GATHER_SECONDS):
                    await self._enough.wait()

    def _next_batch(self) -> list[PendingRequest]:
        batch = [self._waiting.popleft()]
        rows = len(batch[0].rows)
        while self._waiting and rows + len(self._waiting[0].rows) <= MAX_BATCH_ROWS:
            batch.append(self._waiting.popleft())
            rows += len(batch[-1].rows)
        self.waiting_rows -= rows
        return batch

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
        self._call_seconds = time.perf_counter() - began
        pairs = [(request, [next(answers) for _ in request.rows]) for request in batch]
        # Soon: the next call, if there is one, begins before.
        asyncio.get_running_loop().call_soon(self._answer, pairs, self._call_seconds)

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
