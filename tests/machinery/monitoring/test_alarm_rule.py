"""When to act: not because of one window, and no longer once the drift is over."""

import itertools
from pathlib import Path
from typing import Any

import pytest

from lifecycle.monitoring import alarm_rule
from lifecycle.monitoring.settings import Rule
from lifecycle.monitoring.summary import Summary
from machinery.monitoring import lab


def decided(reports: Path, alarm: bool = True, windows: int = 3, alarms: int = 2) -> Summary:
    present = lab.past(alarm=alarm)
    before = alarm_rule.earlier_windows(reports, present, windows - 1)
    return alarm_rule.decide(present, before, Rule(windows=windows, alarms=alarms))


def test_one_alarm_is_not_enough(tmp_path: Path) -> None:
    lab.written(tmp_path, 1, alarm=False)

    found = decided(tmp_path)

    assert (found.status, found.reasons) == ("healthy", [])
    assert [window.alarm for window in found.history] == [False, True]


def test_two_of_three_are_and_the_reason_says_so(tmp_path: Path) -> None:
    lab.written(tmp_path, 2, alarm=True)
    lab.written(tmp_path, 1, alarm=False)

    found = decided(tmp_path)

    assert found.status == "act"
    assert found.reasons == ["age drifted", "an alarm in 2 of the last 3 windows"]


@pytest.mark.parametrize("change", [{"role": "staging"}, {"log": "elsewhere"}, {"version": "3"}, {"model": "n"}])
def test_a_window_of_something_else_does_not_count(tmp_path: Path, change: dict[str, Any]) -> None:
    lab.written(tmp_path, 1, alarm=True, **change)

    assert [window.alarm for window in decided(tmp_path).history] == [True]


def test_drift_that_has_healed_is_no_reason(tmp_path: Path) -> None:
    for days in (1, 2, 3):
        lab.written(tmp_path, days, alarm=True)

    assert decided(tmp_path, alarm=False).status == "healthy"


@pytest.mark.parametrize(("windows", "alarms"), [(n, k) for n in range(1, 5) for k in range(1, n + 1)])
def test_k_of_the_last_n_and_the_latest(tmp_path: Path, windows: int, alarms: int) -> None:
    for number, past in enumerate(itertools.product([True, False], repeat=4)):
        reports = tmp_path / str(number)
        for days, alarm in enumerate(past, start=1):
            lab.written(reports, days, alarm)
        for latest in (True, False):
            expected = latest and sum([latest, *past[: windows - 1]]) >= alarms
            assert (decided(reports, latest, windows, alarms).status == "act") == expected


def test_a_window_counts_once_however_often_it_ran_or_overlaps(tmp_path: Path) -> None:
    for days in (0, 0.1, 0.5, 0.8):  # all of them share more than a tenth of the present one
        lab.written(tmp_path, days, alarm=True)

    assert [window.alarm for window in decided(tmp_path).history] == [True]


def test_a_schedule_need_not_be_kept_to_the_minute(tmp_path: Path) -> None:
    lab.written(tmp_path, 0.95, alarm=True)

    assert decided(tmp_path).status == "act"


@pytest.mark.parametrize("change", [{"version": "3"}, {"model": "other"}, {"status": "undecided"}])
def test_windows_of_other_versions_and_undecided_ones_do_not_count(tmp_path: Path, change: dict[str, Any]) -> None:
    lab.written(tmp_path, 2, alarm=False)
    lab.written(tmp_path, 1, alarm=True, **change)

    assert [window.alarm for window in decided(tmp_path).history] == [False, True]


@pytest.mark.parametrize("text", ['{"window": ', "[]", '{"window": {}, "model": "m", "version": "4", "alarms": ["a"]}'])
def test_a_damaged_summary_does_not_count(tmp_path: Path, text: str) -> None:
    lab.written(tmp_path, 1, alarm=True)
    next(tmp_path.glob("*/summary.json")).write_text(text)

    assert decided(tmp_path).status == "healthy"


def test_too_few_rows_are_no_verdict_and_it_says_how_many_are_missing(tmp_path: Path) -> None:
    lab.written(tmp_path, 1, alarm=True)

    present = lab.past(alarm=False)
    found = alarm_rule.undecided(present, alarm_rule.earlier_windows(tmp_path, present, 2), 500)

    assert (found.status, found.missing_rows) == ("undecided", 400)
    assert found.reasons == ["100 rows, 500 are needed: 400 are missing"]
