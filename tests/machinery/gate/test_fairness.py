"""Gaps between groups: what is judged, what fails, and how certain a gap is."""

import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lifecycle.core import config, metrics
from lifecycle.core.config import Params
from lifecycle.core.errors import ConfigError
from lifecycle.core.files import write_parquet, write_text
from lifecycle.gate.check_result import ACCEPTED, FAIL, NOT_JUDGED, PASS
from lifecycle.gate.fairness import GapResult, check_fairness, with_intervals
from lifecycle.gate.policy import Policy

TODAY = datetime.date(2026, 6, 15)
EXCEPTION = {"metric": "accuracy", "fairness": "region", "reason": "few rows", "accepted_by": "Ada", "expires": TODAY}
ACCURACY = {"north": 0.8, "south": 0.6}


def groups(rows: int = 500, **figures: Any) -> dict[str, Any]:
    return {"region": {name: {"rows": rows, "accuracy": value} for name, value in figures.items()}}


def policy(gap: dict[str, float], *exceptions: dict[str, Any]) -> Policy:
    content = {
        "metrics": {"metrics/test.json": {"accuracy": {"min": 0.5}}},
        "fairness": {"min_rows": 100, "columns": {"region": {"accuracy": gap}}},
        "tolerance": 0.0,
        "exceptions": [*exceptions],
    }
    return Policy.checked(content, "gates.yaml")


def checked(base: dict[str, Any], branch: dict[str, Any], **gap: float) -> GapResult:
    (result,) = check_fairness(policy(gap), base, branch, "base", TODAY)
    return result


@pytest.mark.parametrize(
    ("gap", "status"),
    [
        ({"max_difference": 0.2}, PASS),
        ({"max_difference": 0.19}, FAIL),
        ({"min_ratio": 0.75}, PASS),
        ({"min_ratio": 0.76}, FAIL),
    ],
)
def test_a_gap_may_be_as_large_as_its_limit_and_no_larger(gap: dict[str, float], status: str) -> None:
    result = checked({}, groups(**ACCURACY), **gap)

    assert (result.status, result.lowest, result.highest) == (status, "south", "north")
    assert result.branch == pytest.approx(0.2 if "max_difference" in gap else 0.75)


def test_a_failure_names_both_groups_with_their_figures() -> None:
    result = checked(groups(north=0.8, south=0.7), groups(**ACCURACY), max_difference=0.1)

    assert result.why == (
        "accuracy by region: difference is 0.2000, ≤ 0.1 is demanded (0.6000 where region=south and 0.8000 where region=north)"
    )
    assert (result.base, result.change) == (pytest.approx(0.1), pytest.approx(0.1))


def test_groups_that_are_small_on_both_sides_are_not_judged() -> None:
    small = groups(99, **ACCURACY)

    assert checked(small, small, max_difference=0.0).status == NOT_JUDGED
    assert checked(groups(**ACCURACY), small, max_difference=0.1).status == FAIL  # none escapes by losing rows


@pytest.mark.parametrize(
    "left", [groups(north=0.8), {}, groups(north=0.8, south=float("nan")), groups(north=0.8, south="0.8")]
)
def test_a_group_that_the_branch_no_longer_measures_fails(left: dict[str, Any]) -> None:
    assert checked(groups(**ACCURACY), left, max_difference=0.9).status == FAIL


def test_a_metric_that_a_group_never_defined_leaves_the_others_to_be_judged() -> None:
    of_three = groups(north=0.8, south=0.6)
    of_three["region"]["west"] = {"rows": 500}

    assert checked(of_three, of_three, max_difference=0.2).status == PASS


@pytest.mark.parametrize(
    ("gap", "exception", "status", "says"),
    [
        ({"max_difference": 0.1}, {"max_difference": 0.21}, ACCEPTED, "the exception of Ada (few rows) holds until 2026-06-15"),
        ({"max_difference": 0.1}, {"max_difference": 0.15}, FAIL, "does not reach that far: above its limit 0.1500"),
        ({"min_ratio": 0.9}, {"min_ratio": 0.7}, ACCEPTED, "holds until"),
        ({"min_ratio": 0.9}, {"min_ratio": 0.8}, FAIL, "does not reach that far: below its limit 0.8000"),
        ({"max_difference": 0.1}, {"max_difference": 0.21, "expires": TODAY - datetime.timedelta(days=1)}, FAIL, "ended on 2026-06-14"),
    ],
)  # fmt: skip
def test_a_gap_can_be_accepted_as_far_as_an_exception_says(
    gap: dict[str, float], exception: dict[str, Any], status: str, says: str
) -> None:
    (result,) = check_fairness(policy(gap, EXCEPTION | exception), {}, groups(**ACCURACY), "base", TODAY)

    assert result.status == status
    assert says in result.why


@pytest.mark.parametrize(
    ("accepted", "statuses"),
    [({"max_difference": 0.9}, [ACCEPTED, FAIL]), ({"min_ratio": 0.1}, [FAIL, ACCEPTED])],
)
def test_an_exception_accepts_the_kind_of_gap_that_it_names_and_no_group_that_is_gone(
    accepted: dict[str, float], statuses: list[str]
) -> None:
    limits = policy({"max_difference": 0.1, "min_ratio": 0.9}, EXCEPTION | accepted)

    results = check_fairness(limits, {}, groups(**ACCURACY), "base", TODAY)
    gone = check_fairness(limits, groups(**ACCURACY), groups(north=0.8), "base", TODAY)

    assert [result.status for result in results] == statuses
    assert [result.status for result in gone] == [FAIL, FAIL]


def test_a_column_without_slices_on_either_side_is_a_mistake_of_the_policy() -> None:
    with pytest.raises(ConfigError, match=r"gates.yaml of the base: fairness names 'region'.*evaluate.slices"):
        checked({}, {}, max_difference=0.2)


def test_the_interval_of_a_gap_is_that_of_two_shares(tmp_path: Path, params: Params) -> None:
    rows, generator = 4000, np.random.default_rng(3)
    positive = np.arange(rows) % 2 == 0
    north = np.arange(rows) % 4 < 2
    right = generator.random(rows) < np.where(north, 0.8, 0.6)
    names = np.array(["No", params.data.positive])
    test = pd.DataFrame(
        {
            "id": range(rows),
            params.data.target: names[positive.astype(int)],
            "region": np.where(north, "north", "south"),
        }
    )
    predictions = pd.DataFrame({"probability": np.where(positive == right, 0.9, 0.1)})
    write_text(config.PARAMS.read_text(encoding="utf-8"), tmp_path / config.PARAMS)
    write_parquet(test, tmp_path / config.FEATURES / "test.parquet")
    write_parquet(predictions, tmp_path / config.PREDICTIONS)
    of_groups = {
        str(name): metrics.point(
            metrics.measure(part[params.data.target], predictions.loc[part.index], params), len(part)
        )
        for name, part in test.groupby("region")
    }
    result = checked({}, groups(**{name: values["accuracy"] for name, values in of_groups.items()}), max_difference=0.5)

    (measured,) = with_intervals([result], tmp_path)

    half = 1.96 * np.sqrt(0.8 * 0.2 / 2000 + 0.6 * 0.4 / 2000)  # the difference of two shares
    assert measured.low == pytest.approx(measured.branch - half, abs=0.01)
    assert measured.high == pytest.approx(measured.branch + half, abs=0.01)
