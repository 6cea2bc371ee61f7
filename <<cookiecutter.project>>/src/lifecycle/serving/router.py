"""Choose the version that answers a row: production, or a canary that has a share of the rows; a shadow gets copies.

A canary's rows are chosen by a hash of the row's id, so one id always gets the same version; a row without an id counts by its
content. If the canary fails, production answers instead, call by call. A shadow scores rows after production has answered them: nothing it does changes an answer.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from lifecycle.registry.aliases import CANARY, SHADOW
from lifecycle.serving.answer_recorder import AnswerRecorder
from lifecycle.serving.batcher import ServedVersion
from lifecycle.serving.canary_stats import score_edges
from lifecycle.serving.gathering import MAX_BATCH_ROWS
from lifecycle.serving.model_process import ModelError
from lifecycle.serving.pending_request import Answer, Row

PINNED = "pinned"  # the role of a version that a request names
MAX_ROWS_IN_PROGRESS = 20_000
MAX_SHADOW_BACKLOG = 5_000  # rows


class NotReadyError(Exception):
    """There is no model to answer, or the server is overloaded."""


class NotServedError(NotReadyError):
    """The version that a request names is not served here."""


@dataclass(frozen=True)
class Roles:
    """Which version has which role. Replaced as a whole, so that no request sees half of a change."""

    answering: ServedVersion | None = None
    canary: ServedVersion | None = None
    percent: int = 0
    shadow: ServedVersion | None = None

    @property
    def served(self) -> set[ServedVersion]:
        return {served for served in (self.answering, self.canary, self.shadow) if served}


class Router:
    """Routes rows to versions by their roles."""

    def __init__(self, recorder: AnswerRecorder, canary_timeout: float) -> None:
        """`canary_timeout` is how many seconds a canary has for the rows of one call before production answers them."""
        self.recorder, self.canary_timeout = recorder, canary_timeout
        self.roles = Roles()
        self.rows_in_progress = 0

    def example(self) -> dict[str, Any] | None:
        """Return a record that the version in service can score, if there is one."""
        answering = self.roles.answering
        return answering.known[0] if answering and answering.known else None

    def replace_roles(self, roles: Roles) -> set[ServedVersion]:
        """Serve by other roles from the next request on. Returns the versions that no longer have one."""
        before, self.roles = self.roles, roles
        trial = roles.answering, roles.canary, roles.percent
        if trial != (before.answering, before.canary, before.percent):
            self.recorder.reset_arms(roles.answering, roles.canary)
        metrics = self.recorder.metrics
        if roles.answering:
            metrics.set_score_edges(score_edges(roles.answering.known_answers))
        for role, served in ((self.recorder.role, roles.answering), (CANARY, roles.canary), (SHADOW, roles.shadow)):
            metrics.versions.labels(role).set(served.version if served else 0)
        metrics.canary_percent.set(roles.percent if roles.canary else 0)
        return before.served - roles.served

    async def answer(self, rows: list[Row], version: int | None = None) -> list[bytes]:
        """Return an answer per row, as JSON, by the version that is named or by whichever has to answer the row.

        Raises NotReadyError if there is no such model, ModelError if it fails, LogError if the answers cannot be logged.
        """
        if self.rows_in_progress + len(rows) > MAX_ROWS_IN_PROGRESS:
            raise NotReadyError("overloaded: try again later")
        roles = self.roles
        self.rows_in_progress += len(rows)
        users_of = roles.served  # all of them until the end: production may have to answer in place of a canary
        for served in users_of:
            served.users += 1
        try:
            return await self._route(roles, rows, version)
        finally:
            self.rows_in_progress -= len(rows)
            for served in users_of:
                served.users -= 1

    async def _route(self, roles: Roles, rows: list[Row], version: int | None) -> list[bytes]:
        if version is not None:
            return await self._predict(_named_version(roles, version), rows, PINNED)
        if not roles.answering:
            raise NotReadyError(f"no version has the alias {self.recorder.role}, or it is not loaded yet")
        if not roles.canary:
            return await self._production(roles, rows)
        canary = roles.canary
        to_canary = [hash_fraction(row.row_id, canary.version) < roles.percent / 100 for row in rows]
        canary_rows = [row for row, chosen in zip(rows, to_canary, strict=True) if chosen]
        other_rows = [row for row, chosen in zip(rows, to_canary, strict=True) if not chosen]
        answers = await asyncio.gather(self._canary(roles, canary_rows), self._production(roles, other_rows))
        from_canary, from_production = map(iter, answers)
        return [next(from_canary if chosen else from_production) for chosen in to_canary]

    async def _production(self, roles: Roles, rows: list[Row]) -> list[bytes]:
        assert roles.answering
        return await self._predict(roles.answering, rows, self.recorder.role, roles.shadow)

    async def _canary(self, roles: Roles, rows: list[Row]) -> list[bytes]:
        """Let the canary answer, the rows of one call at a time; production answers those on which it fails."""
        assert roles.canary
        answers: list[bytes] = []
        for start in range(0, len(rows), MAX_BATCH_ROWS):
            call_rows = rows[start : start + MAX_BATCH_ROWS]
            try:
                async with asyncio.timeout(self.canary_timeout):
                    answers += await self._predict(roles.canary, call_rows, CANARY)
            except (ModelError, TimeoutError):
                self.recorder.record_failure(roles.canary, CANARY, len(call_rows))
                answers += await self._production(roles, call_rows)
        return answers

    async def _predict(
        self, served: ServedVersion, rows: list[Row], role: str, shadow: ServedVersion | None = None
    ) -> list[bytes]:
        try:
            answers = await served.predict(rows, role)
        except ModelError:
            if role != CANARY:
                self.recorder.record_failure(served, role, len(rows))
            raise
        if shadow:
            self._copy_to_shadow(shadow, rows, answers)
        return [b'{"request_id":"%s","model_version":%d,%s' % (row.request_id.encode(), served.version, answer.tail)
                for row, answer in zip(rows, answers, strict=True)]  # fmt: skip

    def _copy_to_shadow(self, shadow: ServedVersion, rows: list[Row], answers: list[Answer]) -> None:
        for start in range(0, len(rows), MAX_BATCH_ROWS):
            call = slice(start, start + MAX_BATCH_ROWS)
            if shadow.waiting_rows > MAX_SHADOW_BACKLOG:
                self.recorder.metrics.shadow_dropped.inc(len(rows[call]))
            else:
                future = shadow.enqueue(rows[call], SHADOW, answers[call])
                future.add_done_callback(self._count_failure(shadow, len(rows[call])))

    def _count_failure(self, shadow: ServedVersion, rows: int) -> Callable[[asyncio.Future[list[Answer]]], None]:
        def count(future: asyncio.Future[list[Answer]]) -> None:
            if future.exception():
                self.recorder.record_failure(shadow, SHADOW, rows)

        return count


def _named_version(roles: Roles, version: int) -> ServedVersion:
    for served in roles.served:
        if served.version == version:
            return served
    numbers = ", ".join(sorted(str(served.version) for served in roles.served)) or "none"
    raise NotServedError(f"version {version} is not served here; served: {numbers}")


def hash_fraction(row_id: str, salt: int) -> float:
    """Return a number in [0, 1): always the same for an id and a salt, independent of those for other salts."""
    return int.from_bytes(blake2b(f"{salt}:{row_id}".encode(), digest_size=8).digest()) / 2**64
