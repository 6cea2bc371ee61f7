"""How often drift is seen where there is none, and how soon where there is some."""

import numpy as np
import pandas as pd
import pytest

from lifecycle.core.config import Params
from lifecycle.core.errors import ConfigError
from lifecycle.monitoring.distances import reference_column
from lifecycle.monitoring.drift import Comparison
from machinery.monitoring import lab

WINDOWS = 200
RATE = 0.01
SAMPLE = 5000


def comparison(params: Params, rows: int = 3000, seed: int = 1, **changes: object) -> Comparison:
    drift = lab.settings(**{f"drift__{name}": value for name, value in changes.items()}).drift
    return Comparison(lab.logged_rows(rows, seed, params), ["joined"], drift, params)


def alarmed(against: Comparison, window: pd.DataFrame) -> list[str]:
    return [compared.column.name for compared in against.of(window) if compared.drifted]


@pytest.mark.parametrize("rows", [500, 50_000])
def test_windows_of_the_reference_raise_no_more_alarms_than_is_stated(params: Params, rows: int) -> None:
    """Also where the distances that are allowed are next to nothing, so that chance alone decides."""
    params = lab.of_task(params, "binary")
    reference = lab.logged_rows(2000, 1, params)
    usual = comparison(params, 2000)
    strict = comparison(params, 2000, categorical=1e-6, numerical=1e-6, score=1e-6)
    chance = [
        column.threshold for column in strict.of(reference.sample(min(rows, SAMPLE), replace=True, random_state=0))
    ]

    found = {"usual": 0, "strict": 0}
    for seed in range(WINDOWS):
        compared = usual.of(reference.sample(min(rows, SAMPLE), replace=True, random_state=seed))
        found["usual"] += any(column.drifted for column in compared)
        found["strict"] += any(column.value > bound for column, bound in zip(compared, chance, strict=True))

    assert found["usual"] <= RATE * WINDOWS
    assert found["strict"] <= RATE * WINDOWS


@pytest.mark.parametrize("rows", [300, 1000])
def test_the_bound_of_chance_holds_for_traffic_of_the_same_law(params: Params, rows: int) -> None:
    """References and windows drawn anew each time, at the highest rate there is: a tenth of the windows for drift."""
    params = lab.of_task(params, "binary")
    strict = {"categorical": 1e-6, "numerical": 1e-6, "score": 1e-6, "false_alarms": 0.2}

    found = [
        bool(alarmed(comparison(params, 500, seed, **strict), lab.logged_rows(rows, 1000 + seed, params)))
        for seed in range(25)
    ]

    assert sum(found) <= 7  # 2.5 are to be expected; more than 7 would come about once in 500 times


@pytest.mark.parametrize("rows", [500, 5000])
def test_a_shift_of_a_third_of_a_standard_deviation_is_seen_in_every_window(params: Params, rows: int) -> None:
    params = lab.of_task(params, "binary")
    against = comparison(params)

    for seed in range(10):
        window = lab.logged_rows(rows, 100 + seed, params)
        window["inputs.age"] += 3.5
        assert alarmed(against, window) == ["age"]


def test_a_category_that_loses_a_quarter_of_all_rows_is_seen(params: Params) -> None:
    params = lab.of_task(params, "binary")
    window = lab.logged_rows(1000, 5, params)
    moved = (window["inputs.plan"] == "basic") & (np.random.default_rng(1).random(1000) < 0.4)
    window.loc[moved, "inputs.plan"] = "family"

    assert alarmed(comparison(params), window) == ["plan"]


def test_the_threshold_falls_with_the_rows_until_what_is_allowed_is_more_than_chance(params: Params) -> None:
    params = lab.of_task(params, "binary")
    against = comparison(params)
    thresholds: dict[str, list[float]] = {}
    for rows in (200, 1000, 5000):
        for column in against.of(lab.logged_rows(rows, 3, params)):
            thresholds.setdefault(column.column.name, []).append(column.threshold)

    few, more, many = thresholds["age"]
    assert few > more >= many == 0.1


@pytest.mark.parametrize(
    ("task", "name"), [("multiclass", "label"), ("regression", "prediction"), ("binary", "probability")]
)
def test_the_score_is_what_the_task_answers(params: Params, task: str, name: str) -> None:
    params = lab.of_task(params, task)
    window = lab.logged_rows(1000, 2, params)
    against = comparison(params)

    assert against.of(window)[-1].column.name == name
    assert alarmed(against, window) == []
    if task == "regression":
        window["prediction"] += 1
    elif task == "binary":
        window["probability"] **= 1.5
    else:
        window["probabilities.c"] += 0.5
    assert alarmed(against, window) == [name]


def test_dates_and_ignored_columns_may_move(params: Params) -> None:
    params = lab.of_task(params, "binary")
    window = lab.logged_rows(1000, 2, params)
    window["inputs.age"] += 50
    window["inputs.joined"] = "2030-01-01T00:00:00"

    assert alarmed(comparison(params), window) == ["age"]
    assert alarmed(comparison(params, ignore=["age"]), window) == []
    with pytest.raises(ConfigError, match=r"drift.ignore names 'agee'"):
        comparison(params, ignore=["agee"])


def test_a_column_without_any_value_is_compared_with_nothing(params: Params) -> None:
    params = lab.of_task(params, "binary")
    window = lab.logged_rows(1000, 2, params).assign(**{"inputs.amount": np.nan})

    assert "amount" not in [compared.column.name for compared in comparison(params).of(window)]
    assert reference_column("x", pd.Series([np.nan, np.nan])) is None


def test_a_constant_column_is_no_drift_until_it_varies(params: Params) -> None:
    constant = reference_column("x", pd.Series(["a"] * 500))
    assert constant

    assert constant.distance_to(constant.like(pd.Series(["a"] * 100))) == 0
    assert (constant.distance_to(constant.like(pd.Series(["b"] * 100))) or 0) > 0.5
