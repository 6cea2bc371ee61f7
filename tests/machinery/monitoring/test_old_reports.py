"""Old reports are removed, but none that the rule looks at, now or in the windows that follow."""

from dataclasses import replace
from pathlib import Path

import pytest

from lifecycle.core.errors import ConfigError
from lifecycle.monitoring import alarm_rule, old_reports
from lifecycle.monitoring.settings import Monitoring
from lifecycle.monitoring.summary import PastWindow, Summary
from machinery.monitoring import lab


def names(reports: Path) -> list[str]:
    return sorted(path.name for path in reports.iterdir())


def test_the_latest_of_each_role_stay_and_what_is_no_report_does_too(tmp_path: Path) -> None:
    for days_ago in range(10):
        lab.written(tmp_path, days_ago, alarm=False)
        path = tmp_path / lab.past(days_ago).window.name
        path.with_name(f"{path.name}-staging").mkdir()
    (tmp_path / ".lock").touch()
    (tmp_path / "notes").mkdir()

    removed = old_reports.remove(tmp_path, lab.past(), keep=4, windows=3)

    assert len(removed) == 12
    assert [name for name in names(tmp_path) if not name.endswith("-staging")] == [
        ".lock",
        *sorted(lab.past(days_ago).window.name for days_ago in range(4)),
        "notes",
    ]
    assert sum(name.endswith("-staging") for name in names(tmp_path)) == 4
    assert old_reports.remove(tmp_path, lab.past(), keep=4, windows=3) == []


def test_without_a_limit_all_stay(tmp_path: Path) -> None:
    lab.written(tmp_path, 1000, alarm=False)

    assert old_reports.remove(tmp_path, lab.past(), None, 1) == []


def test_a_window_that_is_looked_at_every_hour_leaves_the_rule_its_history(tmp_path: Path) -> None:
    """The reports of a day overlap, and only one of them counts: those before have to stay, though there are many later ones."""
    rule = lab.settings(rule__windows=3, rule__alarms=3).rule
    for hours_ago in range(100, -1, -1):
        present = lab.past(hours_ago / 24, alarm=True)
        history = alarm_rule.earlier_windows(tmp_path, present, rule.windows - 1)
        present = alarm_rule.decide(present, history, rule)
        lab.written(tmp_path, hours_ago / 24, alarm=True)
        old_reports.remove(tmp_path, present, keep=3, windows=rule.windows)

    assert present.status == "act"
    assert len(names(tmp_path)) < 80


def test_a_report_from_long_ago_that_the_status_rests_on_stays(tmp_path: Path) -> None:
    weekly = [lab.past(days_ago) for days_ago in (21, 14, 7)]
    for summary in weekly:
        lab.written(tmp_path, (lab.UNTIL - summary.window.until).days, alarm=True)
    for minutes in range(9):
        lab.written(tmp_path, minutes / 1440, alarm=True)
    history = [PastWindow(summary.window.until.isoformat(), True) for summary in weekly[1:]]
    present: Summary = replace(lab.past(), history=history)

    old_reports.remove(tmp_path, present, keep=3, windows=3)

    assert weekly[0].window.name not in names(tmp_path)
    assert {summary.window.name for summary in weekly[1:]} <= set(names(tmp_path))


def test_fewer_reports_than_the_rule_looks_at_are_refused() -> None:
    content = lab.SETTINGS | {"reports": {"keep": 2}}

    with pytest.raises(ConfigError, match=r"reports\.keep is less than rule\.windows, 3"):
        Monitoring.checked(content, "test")
