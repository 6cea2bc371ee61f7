"""Faulty data raises an alarm; chance does not."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lifecycle.core.config import Params
from lifecycle.monitoring import quality
from lifecycle.monitoring.baseline import Baseline
from machinery.monitoring import lab


@pytest.fixture
def baseline(params: Params, tmp_path: Path) -> Baseline:
    return lab.baseline(tmp_path, lab.of_task(params, "binary"), lab.settings())


def alarms(baseline: Baseline, window: pd.DataFrame) -> set[tuple[str, str]]:
    limits = baseline.settings.quality
    findings = quality.check(baseline.reference, window, baseline.folder, limits, 0.005, baseline.params)
    return {(finding.check, finding.column) for finding in findings if finding.status == "alarm"}


def test_windows_without_a_fault_raise_no_alarm(baseline: Baseline) -> None:
    assert [alarms(baseline, lab.logged_rows(500, 100 + seed, baseline.params)) for seed in range(20)] == [set()] * 20


@pytest.mark.parametrize(
    ("column", "values", "check"),
    [
        ("amount", np.nan, {"nulls"}),
        ("plan", "none", {"constant", "unseen"}),
        ("plan", "gold", {"constant", "unseen", "invalid"}),
        ("note", "one and the same", {"constant", "unseen"}),
        ("age", 151.0, {"constant", "invalid", "mean_between"}),
        ("age", 45.5, {"constant", "invalid"}),
        ("flag", 2.0, {"constant", "invalid", "unseen"}),
        ("joined", "someday", {"constant", "invalid", "unseen"}),
    ],
)
def test_a_faulty_column_is_named_with_its_fault(baseline: Baseline, column: str, values: Any, check: set[str]) -> None:
    window = lab.logged_rows(500, 5, baseline.params).assign(**{f"inputs.{column}": values})

    found = alarms(baseline, window)

    assert {name for name, _ in found} >= check - {"unseen"}
    assert {where for _, where in found} == {column}


def test_the_share_of_unseen_categories_to_expect_follows_from_the_reference(baseline: Baseline) -> None:
    """Most notes of a window have never been seen, and that is how notes are; a tenth of rows in a new plan is not."""
    window = lab.logged_rows(500, 5, baseline.params)
    assert window["inputs.note"].isin(baseline.reference["inputs.note"]).mean() < 0.8

    window.loc[:49, "inputs.plan"] = "none"
    assert alarms(baseline, window) == {("unseen", "plan")}


def test_a_rise_counts_beyond_the_limit_and_beyond_chance(baseline: Baseline) -> None:
    window = lab.logged_rows(500, 5, baseline.params)
    window.loc[:69, "inputs.amount"] = np.nan  # from a tenth to a good fifth of the rows
    assert alarms(baseline, window) == {("nulls", "amount")}
    assert alarms(baseline, window.sample(20, random_state=1)) == set()


def test_a_mean_may_miss_its_bounds_by_chance_in_a_small_window(baseline: Baseline) -> None:
    window = lab.logged_rows(500, 5, baseline.params)
    window["inputs.age"] += 15
    assert ("mean_between", "age") in alarms(baseline, window)
    assert ("mean_between", "age") not in alarms(baseline, window.head(5))
