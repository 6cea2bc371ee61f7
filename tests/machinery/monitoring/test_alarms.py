"""Which alarms are extreme: those beyond a stated bound, and no others; and what is said of rows that were refused."""

from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lifecycle.core.config import Params
from lifecycle.core.times import Window
from lifecycle.gate.metric_range import Floor
from lifecycle.monitoring import alarm_rule, performance, quality, summary_format
from lifecycle.monitoring.alarms import RefusedFor, drift_alarms, metric_alarms, quality_alarms
from lifecycle.monitoring.baseline import Baseline
from lifecycle.monitoring.drift import ColumnDrift
from lifecycle.monitoring.performance import MetricInterval
from lifecycle.monitoring.settings import Extreme, Rule
from lifecycle.monitoring.summary import Summary
from lifecycle.monitoring.traffic import Traffic
from lifecycle.prediction_log.refusals import Mistake, Refusals
from machinery.monitoring import lab

BOUNDS = Extreme(share=0.5, distance=5, metric=3)
NEW_CATEGORY = Mistake("plan", "literal_error", "text")


@pytest.mark.parametrize(
    ("check", "value", "limit", "extreme"),
    [
        ("nulls", 1.0, 0.7, True),  # a column that is null now, and mostly was
        ("nulls", 0.62, 0.6, False),
        ("refused", 0.66, 0.01, True),
        ("refused", 0.4, 0.01, False),
        ("unseen", 0.9, 0.02, True),
        ("mean_between", 90.0, 80.0, False),  # no share
    ],
)
def test_the_share_above_the_limit_decides_for_data(check: str, value: float, limit: float, extreme: bool) -> None:
    finding = quality.finding(check, "plan", value, limit, True)

    (alarm,) = quality_alarms([finding], [], BOUNDS)
    (never,) = quality_alarms([finding], [], None)

    assert (alarm.extreme, never.extreme, alarm.name) == (extreme, False, f"plan ({check})")


@pytest.mark.parametrize(("value", "extreme"), [(0.6, True), (0.4, False)])
def test_a_multiple_of_the_threshold_decides_for_drift(value: float, extreme: bool) -> None:
    score = ColumnDrift("probability", "numerical", "wasserstein", value, 0.1, "drift")

    (alarm,) = drift_alarms([], score, BOUNDS)

    assert (alarm.extreme, alarm.name) == (extreme, "the score (wasserstein)")


@pytest.mark.parametrize(
    ("limit", "low", "high", "times"),
    [
        (Floor(max=0.5), 2.5, 3.0, 5.0),
        (Floor(max=0.5), 0.4, 3.0, 0.0),  # the interval reaches its limit
        (Floor(min=0.8), 0.1, 0.2, 4.0),
        (Floor(min=0.8), -0.2, -0.1, 1e6),
        (Floor(min=-0.5), -2.0, -1.0, 0.0),  # a multiple of it means nothing
        (Floor(max=0.0), 1.0, 2.0, 0.0),
    ],
)
def test_a_multiple_of_the_limit_decides_for_metrics(limit: Floor, low: float, high: float, times: float) -> None:
    assert performance._times(low, high, limit) == pytest.approx(times)
    metric = MetricInterval("loss", low, low, high, "", 300, "breach", times)
    assert [alarm.extreme for alarm in metric_alarms([metric], BOUNDS)] == [times > 3]


def test_an_extreme_alarm_is_acted_on_in_the_first_window_and_says_so() -> None:
    present = lab.past(alarm=True, alarms=["plan: nulls 1"], extreme=["plan (nulls)"])

    found = alarm_rule.decide(present, [], Rule(windows=3, alarms=2))

    assert found.status == "act"
    assert found.reasons == ["plan: nulls 1", "beyond rule.extreme, so one window is enough: plan (nulls)"]


def test_a_column_that_is_null_and_a_model_five_times_beyond_its_limit_need_no_second_window(
    params: Params, tmp_path: Path
) -> None:
    params = lab.of_task(params, "regression")
    for name, window in {"nulls": lab.logged_rows(800, 3, params), "loss": lab.logged_rows(800, 4, params)}.items():
        if name == "nulls":
            window["inputs.amount"] = np.nan
        else:
            window["actual"] = (pd.to_numeric(window["actual"]) + 12).astype(str)  # mae is limited to 2
        baseline = lab.baseline(tmp_path / name, params, lab.settings())

        found = alarm_rule.decide(lab.summary(baseline, window, window), [], baseline.settings.rule)
        calm = lab.settings(rule__extreme=None).rule

        assert found.status == "act", found.alarms
        assert found.extreme == [{"nulls": "amount (nulls)", "loss": "mae"}[name]]
        assert (
            alarm_rule.decide(
                lab.summary(lab.baseline(tmp_path / name, params, lab.settings(rule__extreme=None)), window, window),
                [],
                calm,
            ).status
            == "healthy"
        )


def traffic(answered: pd.DataFrame, refused: int) -> Traffic:
    return Traffic(
        len(answered),
        answered,
        answered.head(0),
        {},
        0,
        Refusals(refused, Counter({NEW_CATEGORY: refused} if refused else {})),
    )


def summarised(baseline: Baseline, answered: pd.DataFrame, refused: int) -> Summary:
    seen = traffic(answered, refused)
    started = baseline.summary(Window(lab.UNTIL - lab.DAY, lab.UNTIL), lab.watched(baseline, Path("log")), seen)
    if started.readable < baseline.settings.window.min_rows:
        return baseline.unanswered(started)
    return baseline.measured(started, seen.sample, seen.labelled, baseline.comparison().of(seen.sample))


@pytest.mark.parametrize(
    ("refused", "alarm", "extreme"), [(0, False, False), (5, False, False), (100, True, False), (1600, True, True)]
)
def test_refused_rows_are_data_quality(
    params: Params, tmp_path: Path, refused: int, alarm: bool, extreme: bool
) -> None:
    baseline = lab.baseline(tmp_path, lab.of_task(params, "binary"), lab.settings())

    found = summarised(baseline, lab.logged_rows(800, 3, baseline.params), refused)

    assert bool(found.alarms) == alarm
    assert bool(found.extreme) == extreme
    decided = alarm_rule.decide(found, [], baseline.settings.rule)
    assert decided.status == ("act" if extreme else "healthy")
    text = summary_format.terminal(decided)
    assert (f"{refused:,} rows were refused" in text) == ("literal_error" in text) == bool(refused)
    assert ("(most often plan: literal_error, text)" in text) == alarm


def test_a_window_in_which_nearly_all_was_refused_is_not_undecided(params: Params, tmp_path: Path) -> None:
    baseline = lab.baseline(tmp_path, lab.of_task(params, "binary"), lab.settings())

    found = alarm_rule.decide(
        summarised(baseline, lab.logged_rows(10, 3, baseline.params), 900), [], baseline.settings.rule
    )

    assert found.status == "act"
    assert found.extreme == ["(rows that were sent) (refused)"]
    assert "Drift" not in summary_format.terminal(found)
    assert found.refused == [RefusedFor("plan", "literal_error", "text", 900)]
    assert Summary.from_json(found.to_json()) == found
