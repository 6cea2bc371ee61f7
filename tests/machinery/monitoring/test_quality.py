"""Data that is not sound raises an alarm; chance does not."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from machinery.monitoring import lab

from lifecycle.core.config import Params
from lifecycle.monitoring import quality
from lifecycle.monitoring.summary import Judge


@pytest.fixture
def judge(params: Params, tmp_path: Path) -> Judge:
    return lab.judge(tmp_path, lab.of_task(params, "binary"), lab.settings())


def alarms(judge: Judge, window: pd.DataFrame) -> set[tuple[str, str]]:
    allowed = judge.settings.quality
    found = quality.judge(judge.reference, window, judge.folder, allowed, 0.005, judge.params)
    return {(one["check"], one["column"]) for one in found if one["status"] == "alarm"}


def test_sound_windows_raise_no_alarm(judge: Judge) -> None:
    assert [alarms(judge, lab.kept(500, 100 + seed, judge.params)) for seed in range(20)] == [set()] * 20


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
def test_a_column_that_is_spoilt_is_named_with_what_is_wrong(
    judge: Judge, column: str, values: Any, check: set[str]
) -> None:
    window = lab.kept(500, 5, judge.params).assign(**{f"inputs.{column}": values})

    found = alarms(judge, window)

    assert {name for name, _ in found} >= check - {"unseen"}
    assert {where for _, where in found} == {column}


def test_how_many_strangers_are_to_be_expected_the_reference_says(judge: Judge) -> None:
    """Most notes of a window have never been seen, and that is how notes are; a tenth of rows in a new plan is not."""
    window = lab.kept(500, 5, judge.params)
    assert window["inputs.note"].isin(judge.reference["inputs.note"]).mean() < 0.8

    window.loc[:49, "inputs.plan"] = "none"
    assert alarms(judge, window) == {("unseen", "plan")}


def test_a_rise_counts_beyond_what_is_allowed_and_beyond_chance(judge: Judge) -> None:
    window = lab.kept(500, 5, judge.params)
    window.loc[:69, "inputs.amount"] = np.nan  # from a tenth to a good fifth of the rows
    assert alarms(judge, window) == {("nulls", "amount")}
    assert alarms(judge, window.sample(20, random_state=1)) == set()


def test_a_mean_may_miss_its_bounds_by_chance_in_a_small_window(judge: Judge) -> None:
    window = lab.kept(500, 5, judge.params)
    window["inputs.age"] += 15
    assert ("mean_between", "age") in alarms(judge, window)
    assert ("mean_between", "age") not in alarms(judge, window.head(5))
