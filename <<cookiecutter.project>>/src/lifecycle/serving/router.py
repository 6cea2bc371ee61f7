"""Which version answers a row: production, or a canary that has a share of the rows; and a shadow that is asked beside.

A canary's rows are chosen by a hash of the row's id, so that the same customer always gets the same version. One that fails is
replaced by production, row by row. A shadow is asked after production has answered: what it does changes nothing for anybody.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b

from lifecycle.serving.answer_recorder import CANARY, PINNED, SHADOW, Account, text
from lifecycle.serving.batcher import MOST, Answer, Row, Served
from lifecycle.serving.model_process import ModelError

WAITING = 20_000  # rows that may wait for a model
BEHIND = 5_000  # rows that a shadow may be behind


class NotReadyError(Exception):
    """There is no model to answer, or too much is being asked."""


class NotServedError(NotReadyError):
    """The version that was asked for is not served here."""


@dataclass(frozen=True)
class Roles:
    """Which version has which role. Exchanged as a whole, so that no request sees half of a change."""

    answering: Served | None = None
    canary: Served | None = None
    percent: int = 0
    shadow: Served | None = None

    @property
    def served(self) -> set[Served]:
        return {served for served in (self.answering, self.canary, self.shadow) if served}


class Router:
    """Takes rows to the version that answers them."""

    def __init__(self, account: Account, patience: float) -> None:
        """`patience` is how many seconds a canary has to answer as many rows as one call has, before production does."""
        self.account, self.patience = account, patience
        self.roles = Roles()
        self.rows = 0  # that are being answered

    def exchange(self, roles: Roles) -> set[Served]:
        """Serve other versions from the next request on. Returns those that are not needed any more."""
        before, self.roles = self.roles, roles
        trial = roles.answering, roles.canary, roles.percent
        if trial != (before.answering, before.canary, before.percent):
            self.account.compare(roles.answering, roles.canary)
        counters = self.account.counters
        for role, served in ((self.account.name, roles.answering), (CANARY, roles.canary), (SHADOW, roles.shadow)):
            counters.versions.labels(role).set(served.version if served else 0)
        counters.percent.set(roles.percent if roles.canary else 0)
        return before.served - roles.served

    async def answer(self, rows: list[Row], version: int | None = None) -> list[bytes]:
        """Return an answer per row, as JSON, by the version asked for, or by whichever has to answer it.

        Raises NotReadyError if there is no such model, ModelError if it cannot answer, LogError if the answers cannot be logged.
        """
        if self.rows + len(rows) > WAITING:
            raise NotReadyError("too much is being asked: try again later")
        roles = self.roles
        self.rows += len(rows)
        used = roles.served  # all of them until the end: in place of a canary production answers
        for served in used:
            served.users += 1
        try:
            return await self._by_role(roles, rows, version)
        finally:
            self.rows -= len(rows)
            for served in used:
                served.users -= 1

    async def _by_role(self, roles: Roles, rows: list[Row], version: int | None) -> list[bytes]:
        if version is not None:
            pinned = next((served for served in roles.served if served.version == version), None)
            if not pinned:
                held = ", ".join(sorted(str(served.version) for served in roles.served)) or "none"
                raise NotServedError(f"version {version} is not served here; served: {held}")
            return await self._ask(pinned, rows, PINNED)
        if not roles.answering:
            raise NotReadyError(f"no version is {self.account.name}, or none is loaded yet")
        if not roles.canary:
            return await self._production(roles, rows)
        canary = roles.canary
        tried = [chance(row.key, canary.version) < roles.percent / 100 for row in rows]
        mine = [row for row, is_tried in zip(rows, tried, strict=True) if is_tried]
        rest = [row for row, is_tried in zip(rows, tried, strict=True) if not is_tried]
        asked = await asyncio.gather(self._canary(roles, mine), self._production(roles, rest))
        answers = [iter(part) for part in asked]
        return [next(answers[0 if is_tried else 1]) for is_tried in tried]

    async def _production(self, roles: Roles, rows: list[Row]) -> list[bytes]:
        assert roles.answering
        return await self._ask(roles.answering, rows, self.account.name, roles.shadow)

    async def _canary(self, roles: Roles, rows: list[Row]) -> list[bytes]:
        """Ask the canary, a part at a time; for a part that it fails, production."""
        assert roles.canary
        answers: list[bytes] = []
        for start in range(0, len(rows), MOST):
            part = rows[start : start + MOST]
            try:
                async with asyncio.timeout(self.patience):
                    answers += await self._ask(roles.canary, part, CANARY)
            except (ModelError, TimeoutError):
                self.account.failed(roles.canary, CANARY, len(part))
                answers += await self._production(roles, part)
        return answers

    async def _ask(self, served: Served, rows: list[Row], role: str, shadow: Served | None = None) -> list[bytes]:
        try:
            answers = await served.ask(rows, role)
        except ModelError:
            if role != CANARY:
                self.account.failed(served, role, len(rows))
            raise
        if shadow:
            self._offer(shadow, rows, answers)
        return [b'{"request_id":"%s","model_version":%d,%s' % (row.request_id.encode(), served.version, text(answer))
                for row, answer in zip(rows, answers, strict=True)]  # fmt: skip

    def _offer(self, shadow: Served, rows: list[Row], answers: list[Answer]) -> None:
        for start in range(0, len(rows), MOST):
            part = slice(start, start + MOST)
            if shadow.waiting_rows > BEHIND:
                self.account.counters.dropped.inc(len(rows[part]))
            else:
                shadow.put(rows[part], SHADOW, answers[part]).add_done_callback(self._look_at(shadow, len(rows[part])))

    def _look_at(self, shadow: Served, rows: int) -> Callable[[asyncio.Future[list[Answer]]], None]:
        def look(future: asyncio.Future[list[Answer]]) -> None:
            if future.exception():
                self.account.failed(shadow, SHADOW, rows)

        return look


def chance(key: str, salt: int) -> float:
    """Return a number in [0, 1) that is always the same for a row, and another one for the next canary."""
    return int.from_bytes(blake2b(f"{salt}:{key}".encode(), digest_size=8).digest()) / 2**64
