"""Which requests are scored together, and in what order a version calls its model and answers."""

import asyncio
import time
from typing import Any

import pytest

from lifecycle.registry.aliases import SHADOW
from lifecycle.serving.batcher import ServedVersion
from lifecycle.serving.gathering import GATHER_SECONDS, SHADOW_BATCH, SHADOW_SECONDS, Gathering
from lifecycle.serving.pending_request import Answer, PendingRequest, Row

ROW = Row("request", "id", b"{}", 0.0)


def request(role: str = "production", rows: int = 1) -> PendingRequest:
    return PendingRequest([ROW] * rows, role, asyncio.get_running_loop().create_future(), 0.0)


async def seconds_of_wait(gathering: Gathering) -> float:
    began = time.perf_counter()
    await gathering.wait()
    return time.perf_counter() - began


@pytest.mark.parametrize(
    ("call_seconds", "waiting", "waits"),
    [(0.002, 11, False), (0.002, 10, True), (0.1, 11, True), (0.1, 32, False)],
    ids=["a third is enough", "less is not", "all of them if the model is slow", "all are there"],
)
def test_a_call_waits_for_less_than_half_of_many_requests_if_the_model_is_fast(
    call_seconds: float, waiting: int, waits: bool
) -> None:
    async def wait() -> float:
        gathering = Gathering()
        for _ in range(16):
            gathering.add(request())
        gathering.learn(16, call_seconds)  # and 16 wait: 32 are in flight
        gathering.waiting.clear()
        for _ in range(waiting):
            gathering.add(request())
        return await seconds_of_wait(gathering)

    assert (asyncio.run(wait()) >= GATHER_SECONDS / 2) == waits


def test_a_shadow_waits_for_a_batch_but_not_if_a_client_does() -> None:
    async def wait() -> tuple[float, float, int]:
        gathering = Gathering()
        gathering.add(request(SHADOW))
        alone = await seconds_of_wait(gathering)
        asyncio.get_running_loop().call_later(0.001, lambda: gathering.add(request("pinned")))
        with_client = await seconds_of_wait(gathering)
        while gathering.waiting:
            gathering.next_batch()
        gathering.add(request(SHADOW, rows=SHADOW_BATCH))
        assert await seconds_of_wait(gathering) < SHADOW_SECONDS / 2
        gathering.next_batch()
        for _ in range(2 * SHADOW_BATCH):
            gathering.add(request(SHADOW))
        gathering.next_batch()
        return alone, with_client, sum(len(pending.rows) for pending in gathering.next_batch())

    alone, with_client, rows = asyncio.run(wait())

    assert alone >= SHADOW_SECONDS / 2 > with_client
    assert rows == SHADOW_BATCH


def test_the_next_call_begins_before_the_last_one_is_answered() -> None:
    events: list[str] = []

    class Process:
        known: tuple = ()
        known_answers: tuple = ()
        metadata: tuple = ()

        async def predict(self, records: list[bytes]) -> list[Answer]:
            events.append(f"call of {len(records)}")
            await asyncio.sleep(0.002)
            return [Answer(b"}", 0.5)] * len(records)

    async def answers() -> None:
        async def load() -> Any:
            return Process()

        served = ServedVersion(1, load, lambda *_: events.append("answer"), lambda _: None)
        await served.start()
        first = served.enqueue([ROW], "production")
        while not events:
            await asyncio.sleep(0)
        await asyncio.gather(first, *(served.enqueue([ROW], "production") for _ in range(400)))

    asyncio.run(answers())

    assert events == ["call of 1", "call of 400", "answer", "answer"]


def test_answers_that_cannot_be_recorded_are_an_error() -> None:
    class Process:
        known: tuple = ()
        known_answers: tuple = ()
        metadata: tuple = ()

        async def predict(self, records: list[bytes]) -> list[Answer]:
            return [Answer(b"}", 0.5)] * len(records)

    async def answer() -> None:
        async def load() -> Any:
            return Process()

        def record(*_: Any) -> None:
            raise OSError("the disk is full")

        served = ServedVersion(1, load, record, lambda _: None)
        await served.start()
        await served.predict([ROW], "production")

    with pytest.raises(OSError, match="disk is full"):
        asyncio.run(answer())
