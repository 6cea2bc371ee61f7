"""What servers refused comes back out of the log, of the window, role and version alone, and is never taken for an answer."""

import datetime
import json
from pathlib import Path

from lifecycle.core.times import Window
from lifecycle.prediction_log.reader import answers
from lifecycle.prediction_log.refusals import Mistake, refusals
from lifecycle.prediction_log.writer import REFUSED, Log

UNTIL = datetime.datetime(2026, 1, 31, 12, tzinfo=datetime.UTC)
WINDOW = Window(UNTIL - datetime.timedelta(days=1), UNTIL)
NEW_CATEGORY = {"column": "plan", "rule": "literal_error", "value": "text"}
GONE = {"column": "age", "rule": "missing", "value": "missing"}


def line(rows: int = 1, time: str = "2026-01-31T10:00:00.000+00:00", **more: object) -> bytes:
    refusal = {"time": time, "role": "production", "version": 3, "request_id": "r", "rows": rows}
    return json.dumps(refusal | {"mistakes": [NEW_CATEGORY]} | more).encode() + b"\n"


def test_rows_are_counted_by_column_rule_and_kind_of_value(tmp_path: Path) -> None:
    Log(tmp_path).write([line(), line(40), line(mistakes=[NEW_CATEGORY, GONE])], "2026-01-31", REFUSED)

    found = refusals(tmp_path, WINDOW, ["production"], 3)

    assert found.rows == 42
    assert found.mistakes == {Mistake("plan", "literal_error", "text"): 42, Mistake("age", "missing", "missing"): 1}


def test_other_versions_roles_and_windows_do_not_count_and_damaged_lines_are_told_apart(tmp_path: Path) -> None:
    lines = [line(version=2), line(role="staging"), line(time="2026-01-31T12:00:00.000+00:00"), line()]
    Log(tmp_path).write([*lines, b"{\n", b"[]\n", b'{"time": "2026-01-31T10:00:00+00:00"}\n'], "2026-01-31", REFUSED)
    Log(tmp_path).write([line(time="2026-01-30T11:59:59.000+00:00")], "2026-01-30", REFUSED)

    found = refusals(tmp_path, WINDOW, ["production"], 3)

    assert (found.rows, found.broken) == (1, 3)


def test_a_refusal_is_not_read_as_an_answer(tmp_path: Path) -> None:
    Log(tmp_path).write([line()], "2026-01-31", REFUSED)

    assert list(answers(tmp_path, WINDOW)) == []
