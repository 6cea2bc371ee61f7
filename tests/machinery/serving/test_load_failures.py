"""When a version that could not be loaded is tried again."""

import pytest

from lifecycle.serving import load_failures
from lifecycle.serving.load_failures import LoadFailures


class Clock:
    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(load_failures, "time", clock)
    return clock


def test_attempts_become_rarer_but_never_stop(clock: Clock) -> None:
    failures, pauses = LoadFailures(), []

    for _ in range(8):
        failures.add(3, False, "storage does not answer")
        failed = clock.now
        while not failures.may_try(3, False):
            clock.now += 0.5
        pauses.append(clock.now - failed)

    assert pauses == [1, 2, 4, 8, 16, 30, 30, 30]
    assert failures.as_json() == {"3": {"attempts": 8, "error": "storage does not answer"}}


def test_a_version_that_gets_its_role_again_is_tried_at_once(clock: Clock) -> None:
    failures = LoadFailures()
    failures.add(3, False, "storage does not answer")
    failures.add(4, True, "it does not load")

    failures.keep({(None, False), (4, True)})

    assert failures.may_try(3, False)
    assert not failures.may_try(4, True)
    assert failures.may_try(4, False), "not as the shadow"
    assert len(failures) == 1


def test_only_a_new_reason_is_news(clock: Clock) -> None:
    failures = LoadFailures()

    assert [failures.add(3, False, error) for error in ("a", "a", "b", "b")] == [True, False, True, False]
    failures.remove(3, False)
    assert len(failures) == 0
    assert failures.add(3, False, "b")
