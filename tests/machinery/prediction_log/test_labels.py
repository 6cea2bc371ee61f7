"""One definition of which label belongs to which answer: comparing a shadow, monitoring and retraining agree on any log."""

import datetime
import json
import random
from pathlib import Path
from typing import Any

import pyarrow as arrow
import pytest

from lifecycle.core.times import Window
from lifecycle.monitoring.traffic import Watched, collect
from lifecycle.prediction_log.labelled_rows import labelled_rows
from lifecycle.prediction_log.labels import Labels
from lifecycle.serving.compare import _answers, paired, with_labels

WINDOW = Window(*(datetime.datetime(2026, 3, day, 12, tzinfo=datetime.UTC) for day in (1, 2)))
MINUTE = datetime.timedelta(minutes=1)
REFERENCE = arrow.schema(
    {"inputs.x": arrow.float64(), "inputs.id": arrow.string(), "probability": arrow.float64(), "actual": arrow.string()}
)


class Log:
    """A log of production, version 3, and of its shadow, version 4."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def answer(self, time: datetime.datetime, request_id: str, x: float = 1) -> None:
        for role, version in (("production", 3), ("shadow", 4)):
            head = {"time": text(time), "version": version, "role": role, "request_id": request_id, "milliseconds": 1.0}
            self._write(
                time, "a.jsonl", head | {"inputs": {"x": x, "id": request_id}, "label": "No", "probability": 0.2}
            )

    def label(self, time: datetime.datetime, request_id: str, label: Any = "Yes") -> None:
        self._write(time, "b.feedback.jsonl", {"time": text(time), "request_id": request_id, "label": label})

    def _write(self, time: datetime.datetime, name: str, content: dict[str, Any]) -> None:
        path = self.folder / f"{time:%Y-%m-%d}" / name
        path.parent.mkdir(exist_ok=True)
        with path.open("a") as file:
            file.write(json.dumps(content, separators=(",", ":")) + "\n")


def text(time: datetime.datetime) -> str:
    return time.isoformat(timespec="milliseconds")


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path)


def compared(log: Log) -> set[tuple[str, str]]:
    labels = Labels(log.folder, WINDOW)
    answers, _ = _answers(log.folder, WINDOW, labels)
    known = with_labels(paired(answers, 4), labels)
    return set(zip(known["request_id"], known["label_actual"], strict=True))


def monitored(log: Log) -> set[tuple[str, str]]:
    known = collect(Watched(log.folder, "production", 3, REFERENCE), WINDOW, 1000, 1000).labelled
    return set(zip(known["inputs.id"], known["actual"], strict=True))


def retrained(log: Log) -> set[tuple[str, str]]:
    return {(row.request_id, str(row.label)) for row in labelled_rows(log.folder, WINDOW)[0]}


NOON = WINDOW.since + 6 * 60 * MINUTE
CASES: dict[str, tuple[list[tuple[Any, ...]], list[tuple[Any, ...]], str | None]] = {
    "later": ([(NOON,)], [(NOON + MINUTE, "Yes")], "Yes"),
    "4 minutes older, by another clock": ([(NOON,)], [(NOON - 4 * MINUTE, "Yes")], "Yes"),
    "30 minutes older": ([(NOON,)], [(NOON - 30 * MINUTE, "Yes")], None),
    "after the window": ([(NOON,)], [(WINDOW.until + 9999 * MINUTE, "Yes")], "Yes"),
    "the last of several": ([(NOON,)], [(NOON + 2 * MINUTE, "Yes"), (NOON + MINUTE, "No")], "Yes"),
    "the last of several, after the window": ([(NOON,)], [(NOON, "No"), (WINDOW.until, "Yes")], "Yes"),
    "a number": ([(NOON,)], [(NOON, 1)], "1"),
    "different inputs": ([(NOON, 1), (NOON + MINUTE, 2)], [(NOON + 2 * MINUTE, "Yes")], None),
    "different inputs, -1 and -2": ([(NOON, -1), (NOON + MINUTE, -2)], [(NOON + 2 * MINUTE, "Yes")], None),
    "the same inputs, written otherwise": ([(NOON, 1), (NOON + MINUTE, 1.0)], [(NOON + 2 * MINUTE, "Yes")], "Yes"),
    "between two answers of a row": ([(NOON,), (NOON + 30 * MINUTE,)], [(NOON + MINUTE, "Yes")], "Yes"),
    "at the start": ([(WINDOW.since,)], [(NOON, "Yes")], "Yes"),
    "at the start, by another clock, the day before": ([(WINDOW.since,)], [(WINDOW.since - 4 * MINUTE, "Yes")], "Yes"),
    "just before the start": ([(WINDOW.since - MINUTE,)], [(NOON, "Yes")], None),
    "just before the end": ([(WINDOW.until - MINUTE / 60,)], [(WINDOW.until, "Yes")], "Yes"),
    "at the end": ([(WINDOW.until,)], [(WINDOW.until + MINUTE, "Yes")], None),
    "never": ([(NOON,)], [], None),
    "of a row that was not answered": ([], [(NOON, "Yes")], None),
}


@pytest.mark.parametrize("name", list(CASES))
def test_compare_monitoring_and_retraining_give_an_answer_the_same_label(log: Log, name: str) -> None:
    answers, labels, expected = CASES[name]
    for time, *x in answers:
        log.answer(time, "r", *x)
    for time, label in labels:
        log.label(time, "r", label)

    found = set() if expected is None else {("r", expected)}
    assert (compared(log), monitored(log), retrained(log)) == (found, found, found)


@pytest.mark.parametrize("seed", range(20))
def test_they_agree_on_a_random_log(log: Log, seed: int) -> None:
    """Few ids, and times about both ends of the window and the midnight in it."""
    chance = random.Random(seed)
    places = [WINDOW.since, WINDOW.until, WINDOW.since + 12 * 60 * MINUTE]

    def time() -> datetime.datetime:
        return chance.choice(places) + chance.choice([-40, -6, -5, -4, -1, 0, 1, 4, 5, 6, 40]) * MINUTE

    for _ in range(120):
        log.answer(time(), f"r{chance.randrange(80)}", chance.choice([1, 1, 1, 2]))
        log.label(time(), f"r{chance.randrange(80)}", chance.choice(["Yes", "No", 3, True]))

    found = compared(log)

    assert len(found) > 10
    assert found == monitored(log) == retrained(log)


def test_a_shadow_and_a_pinned_version_are_not_learned_from(log: Log) -> None:
    log.answer(NOON, "r")
    log.label(NOON, "r")
    path = next(log.folder.glob("*/a.jsonl"))
    path.write_text(path.read_text().replace("production", "pinned"))

    assert retrained(log) == set()


def test_an_id_that_another_version_answered_for_other_inputs_has_no_label(log: Log) -> None:
    log.answer(NOON, "r", 1)
    log.label(NOON, "r")
    path = next(log.folder.glob("*/a.jsonl"))
    old = path.read_text().splitlines()[0].replace('"version":3', '"version":2').replace('"x":1', '"x":2')
    path.write_text(path.read_text() + old + "\n")

    assert (compared(log), monitored(log), retrained(log)) == (set(), set(), set())
