"""What a model costs: each limit with the case that breaks it, and how the figures are measured."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from lifecycle.core import config
from lifecycle.core.config import Params
from lifecycle.core.files import write_parquet, write_text
from lifecycle.gate import cost, cost_measurement
from lifecycle.gate.applied_policy import AppliedPolicy
from lifecycle.gate.check_result import FAIL, PASS, CheckResult
from lifecycle.gate.cost import read_figures
from lifecycle.gate.cost_limits import Cost
from lifecycle.gate.cost_rules import Costs, check_costs
from lifecycle.gate.policy import Policy
from lifecycle.gate.report_tables import tables

BASE = {"training_seconds": 2.0, "peak_memory": 200e6, "model_size": 1e6, "prediction_ms_per_row": 0.01}
COSTS = Costs(BASE, dict(BASE))


def checked(costs: Costs, **limits: Any) -> dict[str, CheckResult]:
    return {result.name: result for result in check_costs(Cost.checked(limits, "gates.yaml"), costs)}


@pytest.mark.parametrize(
    ("name", "limit", "value", "why"),
    [
        ("training_seconds", {"max_ratio": 2}, 4.0, "training_seconds is 4.1 s, 2.05 times the base's 2 s; 2 times is allowed"),
        ("peak_memory", {"max_ratio": 2}, 400e6, "peak_memory is 410 MB, 2.05 times the base's 200 MB; 2 times is allowed"),
        ("peak_memory", {"max_mb": 400}, 400e6, "peak_memory is 410 MB, above its limit 400 MB"),
        ("model_size", {"max_ratio": 2.5}, 2.5e6, "model_size is 2.56 MB, 2.56 times the base's 1 MB; 2.5 times is allowed"),
        ("model_size", {"max_mb": 0.5}, 0.5e6, "model_size is 512 kB, above its limit 500 kB"),
        ("prediction_ms_per_row", {"max_ratio": 3}, 0.03, "prediction_ms_per_row is 0.0307 ms, 3.07 times the base's 0.01 ms; 3 times is allowed"),
        ("prediction_ms_per_row", {"max_ms": 20}, 20, "prediction_ms_per_row is 20.5 ms, above its limit 20 ms"),
    ],
)  # fmt: skip
def test_a_figure_may_reach_its_limit_and_no_more(name: str, limit: dict[str, float], value: float, why: str) -> None:
    reached = checked(replace(COSTS, branch=BASE | {name: value}), **{name: limit})[name]
    beyond = checked(replace(COSTS, branch=BASE | {name: value * 1.025}), **{name: limit})[name]

    assert (reached.status, reached.why) == (PASS, "")
    assert (beyond.status, beyond.why) == (FAIL, why)


def test_a_limit_that_cannot_be_measured_fails_with_the_reason() -> None:
    costs = Costs({}, {"model_size": 1e6}, "its data is gone", "the estimator needs a GPU")

    results = checked(costs, model_size={"max_ratio": 2}, peak_memory={"max_mb": 9})

    assert results["model_size"].why == (
        "model_size of the base could not be measured, so max_ratio cannot be checked: its data is gone"
    )
    assert (
        results["peak_memory"].why
        == "peak_memory could not be measured, so it cannot be checked: the estimator needs a GPU"
    )
    assert {result.status for result in results.values()} == {FAIL}


def test_without_a_base_only_absolute_limits_are_checked() -> None:
    costs = Costs(None, BASE)

    results = checked(costs, model_size={"max_ratio": 1, "max_mb": 0.9}, peak_memory={"max_ratio": 1})

    assert (results["model_size"].status, results["peak_memory"].status) == (FAIL, PASS)


def test_what_is_not_limited_is_shown_without_a_status() -> None:
    results = check_costs(None, Costs({"model_size": 2e6}, {"model_size": 1e6}))

    assert [(result.name, result.base, result.branch, result.status) for result in results] == [
        ("model_size", 2e6, 1e6, "")
    ]


def test_a_figure_is_measured_only_if_somebody_asks_for_it() -> None:
    of_training = {"training_seconds", "peak_memory"}

    assert Cost.checked({"model_size": {"max_mb": 1}}, "").measured() == set()
    assert Cost.checked({"peak_memory": {"max_mb": 1}}, "").measured() == {"peak_memory"}
    assert Cost.checked({"report": True}, "").measured() == of_training | {"prediction_ms_per_row"}


@pytest.mark.parametrize("value", ["NaN", "Infinity", "0", "-1", "null", "true", '"1"', "1e999", "[1]"])
def test_a_figure_that_is_no_positive_number_is_none(value: str) -> None:
    assert read_figures(f'{{"peak_memory": {value}, "training_seconds": 0.5}}') == {"training_seconds": 0.5}
    assert read_figures("Killed") == {}


def policy(**changes: Any) -> Policy:
    content = {
        "metrics": {"metrics/test.json": {"roc_auc": {"min": 0.8}}},
        "cost": {"report": True},
        "tolerance": 0.0,
        "exceptions": [],
    }
    return Policy.checked(content | changes, "gates.yaml")


@pytest.mark.parametrize(
    ("applied", "same", "measures", "base", "branch"),
    [
        (AppliedPolicy(policy(), policy()), False, True, {"training_seconds": 2.0}, {"training_seconds": 1.0}),
        (AppliedPolicy(policy(), policy()), True, True, {"training_seconds": 1.0}, {"training_seconds": 1.0}),
        (AppliedPolicy(policy(), policy(), why_branch="the base has no metrics"), False, True, None, {"training_seconds": 1.0}),
        (AppliedPolicy(policy(), policy(), exchanged=["task was a, is b"]), False, True, None, {"training_seconds": 1.0}),
        (AppliedPolicy(policy(not_recomputed={"train": "slow"}), policy()), False, True, {}, {}),
        (AppliedPolicy(policy(cost=None), policy()), False, True, {}, {}),
        (AppliedPolicy(policy(), policy()), False, False, {}, {}),
    ],
)  # fmt: skip
def test_nothing_is_trained_that_need_not_be(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    applied: AppliedPolicy,
    same: bool,
    measures: bool,
    base: dict[str, float] | None,
    branch: dict[str, float],
) -> None:
    monkeypatch.setattr(cost, "output_at", lambda *_: None)
    monkeypatch.setattr(cost, "_same_model", lambda *_: same)
    for name, seconds in (("_measured", 1.0), ("_measured_base", 2.0)):
        monkeypatch.setattr(cost, name, lambda _, fits, s=seconds: ({"training_seconds": s} if fits else {}, ""))

    costs = cost.costs_of(applied, "base", "head", tmp_path, measures)

    assert (costs.base, costs.branch) == (base, branch)


def test_a_measurement_that_fails_says_why(tmp_path: Path) -> None:
    for name in (config.PARAMS, config.CONTRACT):
        write_text(name.read_text(encoding="utf-8"), tmp_path / name)

    figures, why = cost._measured(tmp_path, True)

    assert figures == {}
    assert "train.parquet" in why


def test_the_table_has_units_and_the_ratio_to_the_base() -> None:
    results = checked(replace(COSTS, branch=BASE | {"model_size": 512e3}), report=True, model_size={"max_ratio": 3})
    content = {"metrics": [], "slices": [], "params": {}, "cost": [vars(result) for result in results.values()]}

    (table,) = (rows for title, _, rows in tables(content) if title == "Cost")

    assert table[0] == ["training_seconds", "2 s", "2 s", "1.00", "", ""]
    assert table[2] == ["model_size", "1 MB", "512 kB", "0.51", "≤ 3 times the base's", "pass"]


def test_a_fit_is_measured_in_a_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, params: Params, features: pd.DataFrame
) -> None:
    monkeypatch.setattr(cost_measurement, "ENOUGH_SECONDS", 0.0)
    for name in (config.PARAMS, config.CONTRACT):
        write_text(name.read_text(encoding="utf-8"), tmp_path / name)
    for side in ("train", "test"):
        write_parquet(features, tmp_path / config.FEATURES / f"{side}.parquet")
    monkeypatch.chdir(tmp_path)

    figures = cost_measurement.measure(fits=True)

    assert {*figures} == {"training_seconds", "peak_memory", "prediction_ms_per_row"}
    assert all(math.isfinite(value) and value > 0 for value in figures.values())
    assert figures["peak_memory"] > 20e6  # of a process that has imported scikit-learn


def test_the_shortest_of_several_times_counts_and_a_long_one_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 0.4, 1.0, 1.3, 2.0, 2.6])
    monkeypatch.setattr(cost_measurement, "perf_counter", lambda: next(clock))

    assert cost_measurement.shortest(lambda: None) == pytest.approx(0.3)
    assert cost_measurement.shortest(lambda: pytest.fail("repeated"), first=1.0) == 1.0
