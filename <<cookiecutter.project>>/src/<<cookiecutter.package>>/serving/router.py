"""Which version answers a row: production, or a canary that has a share of the rows; and a shadow that is asked beside.

A canary's rows are chosen by a hash of the row's id, so that the same customer always gets the same version. One that fails is
replaced by production, row by row. A shadow is asked after production has answered: what it does changes nothing for anybody.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import blake2b

import orjson

from << cookiecutter.package >>.serving.counters import Counters
from << cookiecutter.package >>.serving.log import Log, now
from << cookiecutter.package >>.serving.process import ModelError
from << cookiecutter.package >>.serving.served import MOST, Answer, Asked, Row, Served
from << cookiecutter.package >>.serving.tally import Tally, score, score_edges

CANARY, SHADOW, PINNED = "canary", "shadow", "pinned"
WAITING = 20_000  # rows that may wait for a model
BEHIND = 5_000  # rows that a shadow may be behind


class NotReadyError(Exception):
    """There is no model to answer; or not the one that was asked for, or too much is being asked."""


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


@dataclass
class Arms:
    """Production and canary, side by side since the canary began."""

    production: Tally
    canary: Tally
    edges: list[float] = field(default_factory=list)


class Router:
    """Takes rows to the version that answers them, and keeps the account of what was answered."""

    def __init__(self, name: str, log: Log, counters: Counters, patience: float) -> None:
        """`name` is the role of the version that answers: the alias that this server serves.

        `patience` is how many seconds a canary has to answer as many rows as one call has, before production does.
        """
        self.name, self.log, self.counters, self.patience = name, log, counters, patience
        self.roles = Roles()
        self.arms: Arms | None = None

    def exchange(self, roles: Roles) -> set[Served]:
        """Serve other versions from the next request on. Returns those that are not needed any more."""
        before, self.roles = self.roles, roles
        old = (before.answering, before.canary)
        if not (roles.answering and roles.canary):
            self.arms = None
        elif old != (roles.answering, roles.canary):
            edges = score_edges(roles.answering.known_answers)
            self.arms = Arms(Tally(roles.answering.version), Tally(roles.canary.version), edges)
        for role in (self.name, CANARY, SHADOW):
            self.counters.versions.labels(role).set(0)
        for role, served in ((self.name, roles.answering), (CANARY, roles.canary), (SHADOW, roles.shadow)):
            self.counters.versions.labels(role).set(served.version if served else 0)
        self.counters.percent.set(roles.percent if roles.canary else 0)
        return before.served - roles.served

    async def answer(self, rows: list[Row], version: int | None = None) -> list[bytes]:
        """Return an answer per row, as JSON, by the version asked for, or by whichever has to answer it.

        Raises NotReadyError if there is no such model, ModelError if it cannot answer, LogError if the answers cannot be logged.
        """
        roles = self.roles
        used = roles.served  # all of them until the end: in place of a canary production answers
        for served in used:
            served.users += 1
        try:
            return await self._by_role(roles, rows, version)
        finally:
            for served in used:
                served.users -= 1

    async def _by_role(self, roles: Roles, rows: list[Row], version: int | None) -> list[bytes]:
        if version is not None:
            pinned = next((served for served in roles.served if served.version == version), None)
            if not pinned:
                held = ", ".join(sorted(str(served.version) for served in roles.served)) or "none"
                raise NotReadyError(f"version {version} is not served here; served: {held}")
            return await self._ask(pinned, rows, PINNED)
        if not roles.answering:
            raise NotReadyError(f"no version is {self.name}, or none is loaded yet")
        if not roles.canary:
            return await self._production(roles, rows)
        canary = roles.canary
        tried = [chance(row.key, canary.version) < roles.percent / 100 for row in rows]
        answers: dict[int, bytes] = {}
        for wanted, ask in ((False, self._production), (True, self._canary)):
            places = [place for place, mine in enumerate(tried) if mine is wanted]
            if places:
                answers |= zip(places, await ask(roles, [rows[place] for place in places]), strict=True)
        return [answers[place] for place in range(len(rows))]

    async def _production(self, roles: Roles, rows: list[Row]) -> list[bytes]:
        assert roles.answering
        return await self._ask(roles.answering, rows, self.name, roles.shadow)

    async def _canary(self, roles: Roles, rows: list[Row]) -> list[bytes]:
        assert roles.canary
        try:
            return await self._ask(roles.canary, rows, CANARY, seconds=self.patience * (1 + len(rows) // MOST))
        except (ModelError, NotReadyError):
            return await self._production(roles, rows)

    async def _ask(
        self, served: Served, rows: list[Row], role: str, shadow: Served | None = None, seconds: float | None = None
    ) -> list[bytes]:
        if served.waiting_rows > WAITING:
            raise NotReadyError("too much is being asked: try again later")
        try:
            async with asyncio.timeout(seconds):
                answers = await served.ask(rows, role)
        except (ModelError, TimeoutError) as error:
            self.counters.errors.labels(role, str(served.version)).inc(len(rows))
            if self.arms and role != PINNED:
                arm = self.arms.canary if role == CANARY else self.arms.production
                arm.rows, arm.errors = arm.rows + len(rows), arm.errors + len(rows)
            raise ModelError(str(error) or "it took too long") from None
        if shadow:
            self._offer(shadow, rows, answers)
        return [b'{"request_id":"%s","model_version":%d,%s' % (row.request_id.encode(), served.version, text(answer))
                for row, answer in zip(rows, answers, strict=True)]  # fmt: skip

    def _offer(self, shadow: Served, rows: list[Row], answers: list[Answer]) -> None:
        for start in range(0, len(rows), MOST):
            part = slice(start, start + MOST)
            if shadow.waiting_rows > BEHIND:
                self.counters.dropped.inc(len(rows[part]))
            else:
                shadow.put(rows[part], SHADOW, answers[part]).add_done_callback(self._shadow_failed(shadow, rows[part]))

    def _shadow_failed(self, shadow: Served, rows: list[Row]) -> Callable[..., None]:
        def look(future) -> None:
            if future.exception():
                self.counters.errors.labels(SHADOW, str(shadow.version)).inc(len(rows))

        return look

    def account(self, served: Served, batch: list[Asked], answers: list[list[Answer]]) -> None:
        """Log what was answered, before anybody is told, and count it. Raises LogError if it cannot be logged."""
        moment, clock = now().isoformat(timespec="milliseconds"), time.perf_counter()
        start = b'{"time":"%s","version":%d,' % (moment.encode(), served.version)
        lines = []
        for asked, part in zip(batch, answers, strict=True):
            role = asked.role.encode()
            for row, answer in zip(asked.rows, part, strict=True):
                head = b'%s"role":"%s","request_id":"%s"' % (start, role, row.request_id.encode())
                tail = b',"milliseconds":%.3f,"inputs":%s,%s\n' % (1000 * (clock - row.since), row.record, text(answer))
                lines.append(head + tail)
        self.log.write(lines, moment[:10])
        for asked, part in zip(batch, answers, strict=True):
            self._count(served, asked, part, clock)

    def _count(self, served: Served, asked: Asked, answers: list[Answer], clock: float) -> None:
        seconds, scores = self.counters.answered(asked.role, served.version, len(answers))
        arm = None
        if self.arms and asked.role in (self.name, CANARY):
            arm = self.arms.canary if asked.role == CANARY else self.arms.production
        for row, answer in zip(asked.rows, answers, strict=True):
            taken, value = clock - row.since, score(answer)
            seconds.observe(taken)
            scores.observe(value)
            if arm and self.arms:
                arm.add(1000 * taken, value, self.arms.edges)
        if asked.role == SHADOW:
            self.counters.disagreed(asked, answers)


def text(answer: Answer) -> bytes:
    """Return an answer as the end of a JSON object."""
    return orjson.dumps(answer)[1:]


def chance(key: str, salt: int) -> float:
    """Return a number in [0, 1) that is always the same for a row, and another one for the next canary."""
    return int.from_bytes(blake2b(f"{salt}:{key}".encode(), digest_size=8).digest()) / 2**64
