"""Which records of the ledger count."""

from lifecycle.registry.history import at, parse_time, table
from lifecycle.registry.ledger import Move, fold


def record(number: int, base: int, version: int = 1, alias: str = "production", when: str = "") -> Move:
    state = {"candidate": None, "staging": None, "production": version, "before": None}
    return Move("promote", alias, version, None, "why", "Ada", "c" * 40, "PASS", base, state, "", number, when)


def test_of_several_moves_at_once_the_first_counts() -> None:
    records = [record(1, 0), record(2, 1), record(3, 1), record(4, 1), record(5, 2)]

    assert [move.number for move in fold(records)] == [1, 2, 5]


def test_a_move_that_arrives_late_does_not_count_whatever_came_between() -> None:
    records = [record(1, 0), record(2, 1), record(3, 2), record(4, 1), record(5, 3), record(6, 2)]

    assert [move.number for move in fold(records)] == [1, 2, 3, 5]


def test_a_record_that_somebody_deleted_takes_none_with_it() -> None:
    records = [record(1, 0), record(3, 2), record(4, 2), record(5, 3)]

    assert [move.number for move in fold(records)] == [1, 3, 5]


def test_what_was_in_production_is_told_for_any_time() -> None:
    moves = [
        record(1, 0, 1, "staging", "2026-03-01T10:00:00.000+00:00"),
        record(2, 1, 1, when="2026-03-02T10:00:00.000+00:00"),
        record(3, 2, 2, when="2026-03-02T12:00:00.000+00:00"),
    ]

    def version(text: str) -> int | None:
        move = at(moves, parse_time(text))
        return move.version if move else None

    assert version("2026-03-01") is None
    assert version("2026-03-02T10:59:00+01:00") is None
    assert version("2026-03-02T11:00") == version("2026-03-02T13:59:00+02:00") == 1
    assert version("2026-03-02") == version("20260302") == version("2026-12-31") == 2


def test_the_table_says_who_moved_what_when_and_why() -> None:
    lines = table([record(2, 1, 7, when="2026-03-02T10:00:00.000+00:00")]).splitlines()

    assert lines[0].split() == ["when", "(UTC)", "move", "to", "version", "before", "commit", "who", "reason"]
    assert lines[1].split() == ["2026-03-02", "10:00:00", "promote", "production", "7", "-", "c" * 9, "Ada", "why"]
