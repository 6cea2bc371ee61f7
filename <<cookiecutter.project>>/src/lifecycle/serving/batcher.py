"""A version that is being served: gathers what is asked at the same time into one call of its model.

A call costs nearly the same for one row as for fifty. While the model is busy, requests wait; when it is done, it waits a few
milliseconds for those who have just got their answers to ask again, then all are asked together. A model that fails is asked for
each request alone, so that it fails only those which it cannot answer; one whose process is gone gets a new one.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from lifecycle.core.errors import ProjectError
from lifecycle.serving.model_process import ModelError, ModelProcess, ProcessGoneError

MOST = 512  # rows in one call: more cost the same per row, and keep others waiting
GATHER = 0.003  # seconds that a call waits for as many requests as there were a moment ago
REST = 1.0  # seconds between attempts to start a process anew
CLOSING = 5.0  # seconds in which rows that nobody waits for, a shadow's, may still be answered

Answer = dict[str, Any]


@dataclass(slots=True)
class Row:
    """A record that is to be answered."""

    request_id: str
    key: str  # its id; or its request's, if it has none
    record: bytes  # JSON
    since: float  # when it came, by time.perf_counter()


@dataclass(slots=True)
class Asked:
    """Rows that are answered together, by one version."""

    rows: list[Row]
    role: str
    future: asyncio.Future[list[Answer]]
    since: float  # when the version was asked, by time.perf_counter(); a row may have been another's before
    beside: list[Answer] = field(default_factory=list)  # what production has answered, if a shadow is asked


class Served:
    """A version in a process of its own, and who waits for it."""

    def __init__(
        self,
        version: int,
        load: Callable[[], Awaitable[ModelProcess]],
        account: Callable[["Served", list[Asked], list[list[Answer]]], None],
        gone: Callable[["Served"], None],
    ) -> None:
        """`load` starts a process; `account` is told what was answered, before those who asked are; `gone` of a lost process."""
        self.version = version
        self.users = 0
        self.waiting_rows = 0
        self.known: list[dict[str, Any]] = []  # rows that were logged with the model
        self.known_answers: list[Answer] = []
        self.about: dict[str, Any] = {}
        self._load, self._account, self._gone = load, account, gone
        self._process: ModelProcess | None = None
        self._waiting: deque[Asked] = deque()
        self._work: asyncio.Task[None] | None = None
        self._expected = 1
        self._enough = asyncio.Event()
        self._rested = 0.0
        self.problem: str | None = None
        """Why it has no process, if it could not get a new one."""

    async def start(self) -> None:
        """Load the model. Raises DataError if it does not load, or answers otherwise than when it was judged."""
        self._process = await self._load()
        self.problem = None
        self.known, self.known_answers = self._process.known, self._process.known_answers
        self.about = self._process.about

    async def ask(self, rows: list[Row], role: str) -> list[Answer]:
        """Return an answer per row, in order. Raises ModelError if the model cannot answer one of them."""
        answers: list[Answer] = []
        for start in range(0, len(rows), MOST):  # one part after the other: others get their turn in between
            answers += await self.put(rows[start : start + MOST], role)
        return answers

    def put(self, rows: list[Row], role: str, beside: list[Answer] | None = None) -> asyncio.Future[list[Answer]]:
        """Queue up to MOST rows, to be answered together, and return what will be their answers."""
        future = asyncio.get_running_loop().create_future()
        self._waiting.append(Asked(rows, role, future, time.perf_counter(), beside or []))
        self.waiting_rows += len(rows)
        if self._work is None:
            self._work = asyncio.create_task(self._answer())
        if len(self._waiting) >= self._expected:
            self._enough.set()
        return future

    async def close(self) -> None:
        """End the process once nobody uses it any more."""
        while self.users:
            await asyncio.sleep(0.05)
        deadline = time.monotonic() + CLOSING
        while self._work and time.monotonic() < deadline:
            await asyncio.sleep(0.05)
        if self._work:  # it hangs, or is far behind
            self._work.cancel()
            await asyncio.gather(self._work, return_exceptions=True)
        while self._waiting:
            fail(self._waiting.popleft(), ModelError("it is not served any more"))
        if self._process:
            self._process.close()

    async def _answer(self) -> None:
        while self._waiting:
            await self._gather()
            batch = self._next()
            try:
                await self._together(batch)
            except ModelError:
                for asked in batch:
                    await self._alone(asked)
            except Exception as error:  # whatever it is, nobody may wait for ever
                for asked in batch:
                    fail(asked, error)
            self._expected = len(batch) + len(self._waiting)
        self._work = None

    async def _gather(self) -> None:
        """Wait until as many are waiting as were asking at once a moment ago: those who got their answers ask again."""
        self._enough.clear()
        if len(self._waiting) < self._expected:
            with suppress(TimeoutError):
                async with asyncio.timeout(GATHER):
                    await self._enough.wait()

    def _next(self) -> list[Asked]:
        batch = [self._waiting.popleft()]
        rows = len(batch[0].rows)
        while self._waiting and rows + len(self._waiting[0].rows) <= MOST:
            batch.append(self._waiting.popleft())
            rows += len(batch[-1].rows)
        self.waiting_rows -= rows
        return batch

    async def _together(self, batch: list[Asked]) -> None:
        batch = [asked for asked in batch if not asked.future.done()]
        if not batch:  # they have given up
            return
        process = await self._ready()
        try:
            answers = iter(await process.answers([row.record for asked in batch for row in asked.rows]))
        except ProcessGoneError:
            process.close()
            self._process = None
            self._gone(self)
            raise
        pairs = [(asked, [next(answers) for _ in asked.rows]) for asked in batch]
        pairs = [(asked, part) for asked, part in pairs if not asked.future.done()]
        self._account(self, [asked for asked, _ in pairs], [part for _, part in pairs])
        for asked, part in pairs:
            asked.future.set_result(part)

    async def _alone(self, asked: Asked) -> None:
        for last in (False, True):
            try:
                return await self._together([asked])
            except ProcessGoneError as error:  # it may have been another's doing
                if last:
                    fail(asked, error)
            except Exception as error:
                return fail(asked, error)
        return None

    async def _ready(self) -> ModelProcess:
        if self._process is None:
            if time.monotonic() < self._rested:
                raise ModelError("its process is gone, and a new one could not be started a moment ago")
            try:
                await self.start()
            except (ProjectError, ModelError) as error:
                self._rested, self.problem = time.monotonic() + REST, f"version {self.version}: {error}"
                raise ModelError(str(error)) from None
        assert self._process
        return self._process


def fail(asked: Asked, error: Exception) -> None:
    """Tell those who asked that there is no answer."""
    if not asked.future.done():
        asked.future.set_exception(error)
