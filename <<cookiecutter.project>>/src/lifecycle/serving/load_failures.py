"""Versions that a server should serve and cannot load: why, how often, and when it tries again."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

FIRST_RETRY, LAST_RETRY = 1.0, 30.0  # seconds until the next attempt: doubled each time, up to the last

Key = tuple[int, bool]
"""A version, and whether it is the shadow."""


@dataclass
class Failure:
    """The attempts to load a version, all of which have failed."""

    error: str
    attempts: int
    next_attempt: float  # by time.monotonic()


class LoadFailures:
    """The versions that one server cannot load."""

    def __init__(self) -> None:
        self._failures: dict[Key, Failure] = {}

    def keep(self, wanted: set[tuple[int | None, bool]]) -> None:
        """Forget the versions that are not to be served any more: given their role again, they are tried at once."""
        self._failures = {key: failure for key, failure in self._failures.items() if key in wanted}

    def may_try(self, version: int, shadow: bool) -> bool:
        """Whether it is time to load a version."""
        failure = self._failures.get((version, shadow))
        return failure is None or time.monotonic() >= failure.next_attempt

    def add(self, version: int, shadow: bool, error: str) -> bool:
        """Note that a version could not be loaded. Returns whether that is news."""
        before = self._failures.get((version, shadow))
        attempts = before.attempts + 1 if before else 1
        pause = min(LAST_RETRY, FIRST_RETRY * 2.0 ** min(attempts - 1, 10))
        self._failures[version, shadow] = Failure(error, attempts, time.monotonic() + pause)
        return before is None or before.error != error

    def remove(self, version: int, shadow: bool) -> None:
        """Note that a version has been loaded."""
        self._failures.pop((version, shadow), None)

    def __len__(self) -> int:
        return len(self._failures)

    def __iter__(self) -> Iterator[tuple[int, Failure]]:
        for (version, _), failure in self._failures.items():
            yield version, failure

    def as_json(self) -> dict[str, Any]:
        """Return what `/model` reports: version → how often it could not be loaded, and why the last time."""
        return {str(version): {"attempts": failure.attempts, "error": failure.error} for version, failure in self}
