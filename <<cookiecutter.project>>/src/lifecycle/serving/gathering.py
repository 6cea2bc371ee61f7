"""Which of the requests that wait for a version are scored together, and how long a call of its model waits for them.

A call costs nearly the same for one row as for fifty. When the model is done, it waits a few milliseconds for those that have just got
their answers to send the next request. With so many requests that HTTP takes longer than the model, half of them are scored while the
others are answered and sent again. Nobody waits for a shadow: its rows are gathered for longer, so that it takes less from the others.
"""

import asyncio
from collections import deque
from contextlib import suppress

from lifecycle.registry.aliases import SHADOW
from lifecycle.serving.pending_request import PendingRequest

MAX_BATCH_ROWS = 512  # in one call: more cost the same per row, and keep others waiting
REQUEST_SECONDS = 0.00015  # that HTTP takes for a request, about
GATHER_SECONDS = 0.003  # that a call waits
SHADOW_BATCH, SHADOW_SECONDS = 64, 0.1  # rows in a call of a shadow, and how long it waits for them


class Gathering:
    """The requests that wait for one version."""

    def __init__(self) -> None:
        self.waiting: deque[PendingRequest] = deque()
        self.rows = 0
        self._expected = 1
        self._only_shadow = False
        self._enough = asyncio.Event()

    def add(self, request: PendingRequest) -> None:
        self.waiting.append(request)
        self.rows += len(request.rows)
        if self._is_enough() or (self._only_shadow and request.role != SHADOW):
            self._enough.set()

    async def wait(self) -> None:
        """Wait until there are enough requests for a call, or it is time."""
        self._enough.clear()
        self._only_shadow = all(request.role == SHADOW for request in self.waiting)
        if not self._is_enough():
            with suppress(TimeoutError):
                async with asyncio.timeout(SHADOW_SECONDS if self._only_shadow else GATHER_SECONDS):
                    await self._enough.wait()

    def next_batch(self) -> list[PendingRequest]:
        """Take the requests for a call."""
        batch = [self.waiting.popleft()]
        rows, most = len(batch[0].rows), SHADOW_BATCH if batch[0].role == SHADOW else MAX_BATCH_ROWS
        while self.waiting and rows + len(self.waiting[0].rows) <= most:
            batch.append(self.waiting.popleft())
            rows += len(batch[-1].rows)
        self.rows -= rows
        return batch

    def learn(self, requests: int, seconds: float) -> None:
        """Note how many requests a call has answered, and how long it took."""
        in_flight = requests + len(self.waiting)
        overlap = in_flight * REQUEST_SECONDS > seconds
        self._expected = -(-in_flight // 3) if overlap else in_flight  # less than half: some of a half are late

    def _is_enough(self) -> bool:
        return self.rows >= SHADOW_BATCH if self._only_shadow else len(self.waiting) >= self._expected
