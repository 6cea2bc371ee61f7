"""Limits that are proposed: a model trained again passes them, and a worthless one is named."""

import datetime
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

from lifecycle.core import config, metrics, predict
from lifecycle.core.config import Params
from lifecycle.core.errors import ConfigError
from lifecycle.core.files import parse_yaml, write_json
from lifecycle.gate import cross_validation, refits
from lifecycle.gate.check_result import FAIL, PASS
from lifecycle.gate.cross_validation import cross_validated
from lifecycle.gate.limits import metric_limit, plain, rounded
from lifecycle.gate.paired_bootstrap import PairedComparison, changes_of
from lifecycle.gate.period_spread import with_periods
from lifecycle.gate.policy import Policy, parse
from lifecycle.gate.policy_text import policy_text, with_missing_limits
from lifecycle.gate.propose import beaten, proposed_limits, too_few
from lifecycle.gate.refits import Spread, refitted_predictions, spreads
from lifecycle.gate.rules import check_metrics
from lifecycle.gate.slice_limits import rows_needed, slice_limit

FILE = "metrics/test.json"
CASES, ALLOWED = 40, 4


def of_task(params: Params, task: str, seed: int = 1, slices: tuple[str, ...] = ()) -> Params:
    data = params.data.model_copy(update={"id": "id", "target": "y", "positive": "b", "exclude": []})
    evaluate = params.evaluate.model_copy(update={"bootstrap": 100, "slices": list(slices)})
    return params.model_copy(update={"task": task, "seed": seed, "data": data, "evaluate": evaluate})


def random_table(task: str, seed: int, signal: float = 1.0) -> pd.DataFrame:
    """Rows with an id, a target and two to five numbers, of which the first tells something about the target."""
    generator = np.random.default_rng(seed)
    rows, columns = int(generator.integers(400, 2500)), int(generator.integers(2, 6))
    values = generator.normal(size=(rows, columns))
    score = signal * generator.uniform(0.7, 2) * values[:, 0] + generator.normal(size=rows)
    classes = {"binary": ["a", "b"], "multiclass": ["a", "b", "c"]}.get(task)
    if classes:
        bounds = np.quantile(score, np.linspace(0, 1, len(classes) + 1)[1:-1])
        target: Any = np.array(classes)[np.searchsorted(bounds, score)]
    else:
        target = score * 10 + 100
    numbers = {f"x {i}": values[:, i] for i in range(columns)}
    return pd.DataFrame({"id": [str(i) for i in range(rows)], "y": target, **numbers})


@pytest.fixture
def linear(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refits are of a plain linear model, which is quick to fit."""

    def fit(frame: pd.DataFrame, inputs: list[str], params: Params) -> Pipeline:
        estimator = Ridge() if params.task == "regression" else LogisticRegression()
        with predict.threads(0):
            estimator.fit(frame[inputs].to_numpy(), frame["y"].to_numpy())
        chosen = FunctionTransformer(lambda rows: rows[inputs].to_numpy())
        return Pipeline([("inputs", chosen), ("estimator", estimator)])

    monkeypatch.setattr(refits, "RESAMPLES", 60)
    monkeypatch.setattr(refits, "fit", fit)
    monkeypatch.setattr(cross_validation, "fit", fit)


def inputs_of(frame: pd.DataFrame) -> list[str]:
    return [name for name in frame if name.startswith("x")]


def fitted_predictions(train: pd.DataFrame, test: pd.DataFrame, params: Params) -> pd.DataFrame:
    return predict.predict(refits.fit(train, inputs_of(train), params), test, params)


def proposal(frame: pd.DataFrame, params: Params) -> tuple[Policy, pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """A policy for the model of the first rows, those, the test rows and the model's predictions."""
    test_rows = len(frame) // 4
    train, test = frame[test_rows:].reset_index(drop=True), frame[:test_rows].reset_index(drop=True)
    first = fitted_predictions(train, test, params)
    measure = metrics.measure(test["y"], first, params)
    intervals = metrics.intervals(measure, test_rows, 100, params.seed)
    measured = spreads(test["y"], first, refitted_predictions(train, test, inputs_of(frame), params), params)
    limits = proposed_limits(params, metrics.point(measure, test_rows), intervals, measured, {})
    return parse(policy_text(limits, {}, None, {}, 0.0001), "gates.yaml"), train, test, first


@pytest.mark.usefixtures("linear")
@pytest.mark.parametrize("task", ["binary", "regression"])
def test_a_model_trained_again_passes_the_limits_of_the_first(task: str, params: Params) -> None:
    failed = []
    for case in range(CASES):
        chosen = of_task(params, task, seed=case)
        policy, train, test, first = proposal(random_table(task, case), chosen)

        again = fitted_predictions(train.sample(frac=1, replace=True, random_state=1000 + case), test, chosen)

        measures = [metrics.measure(test["y"], predictions, chosen) for predictions in (first, again)]
        before, after = (metrics.point(measure, len(test)) for measure in measures)
        figures = {FILE: {name: {"old": before[name], "new": after[name]} for name in before}}
        paired = PairedComparison(changes_of(measures[0], measures[1], len(test), 100, case), len(test), True)
        results = check_metrics(policy, figures, {FILE: paired}, datetime.date(2026, 6, 15))
        failed += [f"{case}: {result.why}" for result in results if result.status == FAIL][:1]

    assert len(failed) <= ALLOWED, failed


@pytest.mark.usefixtures("linear")
def test_a_model_that_is_much_worse_does_not_pass(params: Params) -> None:
    chosen = of_task(params, "binary")
    policy, train, test, first = proposal(random_table("binary", 3), chosen)
    train["x 0"] = 0.0

    worse = fitted_predictions(train, test, chosen)

    measures = [metrics.measure(test["y"], predictions, chosen) for predictions in (first, worse)]
    before, after = (metrics.point(measure, len(test)) for measure in measures)
    figures = {FILE: {name: {"old": before[name], "new": after[name]} for name in before}}
    results = check_metrics(policy, figures, {}, datetime.date(2026, 6, 15))
    statuses = {result.name: result.status for result in results}
    assert statuses.pop("miscalibration") == PASS  # a model that knows less need not be wrong about how much
    assert set(statuses.values()) == {FAIL}


SPREAD = Spread([0.84, 0.85, 0.86], 0.85, 0.02)
INTERVAL = {"low": 0.8034, "high": 0.8966}


def test_a_limit_is_the_worse_end_of_the_interval_widened_by_the_spread_and_rounded_to_the_lax_side() -> None:
    higher = metric_limit("roc_auc", 0.85, INTERVAL, SPREAD, 0.5)
    lower = metric_limit("log_loss", 0.85, INTERVAL, SPREAD, 2.0)

    assert higher.reached == pytest.approx(0.8034 - 2 * 0.01)
    assert (plain(higher.bound), plain(higher.change)) == ("0.78", "0.03")
    assert lower.reached == pytest.approx(0.8966 + 2 * 0.01)
    assert plain(lower.bound) == "0.92"


def test_a_limit_leaves_room_for_other_periods_and_the_change_that_is_allowed_does_not() -> None:
    over_time = metric_limit("roc_auc", 0.85, INTERVAL, replace(SPREAD, of_periods=0.03), 0.5)

    assert over_time.reached == pytest.approx(0.8034 - 2 * math.hypot(0.01, 0.03))
    assert over_time.change == metric_limit("roc_auc", 0.85, INTERVAL, SPREAD, 0.5).change


@pytest.mark.parametrize(
    ("content", "deviation", "lines"),
    [
        ({"beyond_chance": {"roc_auc": 0.03}}, 0.03, 1),
        ({"beyond_chance": {"roc_auc": "0.03"}}, 0.0, 1),
        ({"beyond_chance": []}, 0.0, 0),
        ({}, 0.0, 0),
        (None, 0.0, 0),
    ],
)
def test_the_deviation_over_periods_is_read_if_there_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: Any, deviation: float, lines: int
) -> None:
    monkeypatch.chdir(tmp_path)
    if content is not None:
        write_json(content, config.WALK_FORWARD)

    spreads_over_time, explained = with_periods({"roc_auc": SPREAD})

    assert spreads_over_time["roc_auc"].of_periods == deviation
    assert len(explained) == lines


def test_a_limit_of_miscalibration_leaves_the_next_model_the_bias_of_its_figure_and_needs_no_trivial_model() -> None:
    biased = metric_limit("miscalibration", 0.004, {"low": 0.0, "high": 0.003}, Spread([0.004] * 5, 0.004, 0.002), None)
    perfect = metric_limit("miscalibration", 0.0, {"low": 0.0, "high": 0.0}, Spread([0.0] * 5, 0.0), None)

    assert (plain(biased.bound), plain(biased.change)) == ("0.0055", "0.002")
    assert (plain(perfect.bound), plain(perfect.change)) == ("0.001", "0.001")


def test_a_limit_is_never_worse_than_the_trivial_model() -> None:
    higher = metric_limit("average_precision", 0.85, INTERVAL, SPREAD, 0.82345)
    lower = metric_limit("log_loss", 0.85, INTERVAL, SPREAD, 0.87654)

    assert 0.82345 <= float(higher.bound) <= 0.83
    assert 0.87 <= float(lower.bound) <= 0.87654
    assert higher.trivial


def test_a_perfect_model_may_still_lose_a_little() -> None:
    limit = metric_limit("roc_auc", 1.0, {"low": 1.0, "high": 1.0}, Spread([1.0] * 5, 1.0), 0.5)

    assert (plain(limit.bound), plain(limit.change)) == ("0.995", "0.005")


@pytest.mark.parametrize(
    ("value", "direction", "scale", "text"),
    [
        (0.8234, -1, 0.02, "0.82"),
        (0.8234, 1, 0.02, "0.83"),
        (12345.6, 1, 300, "12400"),
        (12345.6, 1, 5000, "13000"),
        (0.99612, -1, 0.002, "0.996"),
        (-0.034, -1, 0.02, "-0.034"),
        (0.0000123, 1, 0.0000123, "0.000013"),
        (0.0, 1, 0.0, "0"),
        (3.0, 1, 1.0, "3"),
    ],
)
def test_numbers_have_two_digits_unless_their_uncertainty_needs_more(
    value: float, direction: int, scale: float, text: str
) -> None:
    assert plain(rounded(value, direction, scale)) == text


def test_only_what_is_surely_beaten_is_demanded() -> None:
    limits = {"log_loss": metric_limit("log_loss", 0.42, {"low": 0.39, "high": 0.45}, Spread([0.42] * 5, 0.42), 0.59)}

    beats, lines = beaten("log_loss", limits, {"trivial": {"log_loss": 0.59}, "linear": {"log_loss": 0.43}})

    assert beats == {"trivial": "log_loss"}
    assert (
        lines[1]
        == "at its limit the log_loss is no better than that of the linear model, 0.43: so to beat it is not demanded"
    )
    assert beaten("log_loss", limits, {"trivial": {}, "linear": {}})[0] == {}


@pytest.mark.parametrize(
    ("rows", "low", "high", "says"),
    [
        (99, 0.84, 0.86, "99 test rows are too few to tell anything"),
        (500, 0.7, 0.91, "500 test rows are too few to tell much (roc_auc: 95% interval 0.7 to 0.91)"),
        (500, 0.8, 0.9, ""),
    ],
)
def test_too_few_test_rows_are_told(params: Params, rows: int, low: float, high: float, says: str) -> None:
    chosen = of_task(params, "binary")

    assert too_few(chosen, rows, {"roc_auc": 0.85}, {"roc_auc": {"low": low, "high": high}}) == says


def test_the_rows_of_a_slice_follow_from_the_width_of_the_interval() -> None:
    assert rows_needed("roc_auc", 0.8, {"low": 0.75, "high": 0.85}, 1000) == 250
    assert rows_needed("rmse", 10.0, {"low": 7.5, "high": 12.5}, 200) == 200


@pytest.mark.usefixtures("linear")
@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_slices_have_one_limit_that_each_of_them_meets(task: str, params: Params) -> None:
    chosen = of_task(params, task, slices=("city name",))
    frame = random_table(task, 5)
    frame["city name"] = np.where(np.arange(len(frame)) % 3 == 0, "Ulm", "Bad Aibling")
    policy_rows = len(frame) // 4
    train, test = frame[policy_rows:], frame[:policy_rows]
    first = fitted_predictions(train, test, chosen)
    metric = "rmse" if task == "regression" else "roc_auc"

    bound, where = slice_limit(metric, test, first, [first], 30, chosen)  # type: ignore[misc]

    for _, rows in test.groupby("city name"):
        value = metrics.point(metrics.measure(rows["y"], first.loc[rows.index], chosen), len(rows))[metric]
        assert value <= bound if metric == "rmse" else value >= bound
    assert where.startswith("city name=")
    assert slice_limit(metric, test, first, [first], 10**6, chosen) is None


@pytest.mark.usefixtures("linear")
@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
@pytest.mark.parametrize("group", [None, "x 1"])
def test_cross_validation_measures_every_row_once(task: str, group: str | None, params: Params) -> None:
    chosen = of_task(params, task)
    chosen = chosen.model_copy(update={"split": params.split.model_copy(update={"group": group})})
    frame = random_table(task, 7)[["id", "y", "x 0", "x 1"]].head(150)

    points, intervals = cross_validated(frame, ["x 0"], chosen, 100)

    assert points["r2" if task == "regression" else "roc_auc"] > (0.1 if task == "regression" else 0.6)
    assert set(intervals) == set(points)


@pytest.mark.usefixtures("linear")
def test_a_class_with_a_single_row_leaves_nothing_to_cross_validate(params: Params) -> None:
    frame = random_table("multiclass", 7).head(60)
    frame.loc[0, "y"] = "rare"

    assert cross_validated(frame, ["x 0"], of_task(params, "multiclass"), 100) == ({}, {})


def test_what_is_proposed_is_a_valid_policy_with_a_comment_for_each_key() -> None:
    limits = {"rmse": metric_limit("rmse", 10.0, {"low": 9.0, "high": 11.0}, Spread([10.0, 10.2], 10.0, 0.3), 30.0)}

    text = policy_text(
        limits, {"linear": "rmse"}, ("rmse", rounded(14.2, 1, 1.0), 120), {"train": "it's: [slow]"}, 0.001
    )

    policy = parse(text, "gates.yaml")
    assert policy.beats == {"linear": {"rmse": 0.0}}
    assert policy.slices is not None
    assert (policy.slices.min_rows, policy.slices.metrics["rmse"].max) == (120, 15)
    assert (policy.not_recomputed, policy.tolerance, policy.new_problem, policy.exceptions) == (
        {"train": "it's: [slow]"},
        0.001,
        None,
        [],
    )
    assert set(parse_yaml(text, "gates.yaml")) == {
        "metrics",
        "beats",
        "slices",
        "not_recomputed",
        "tolerance",
        "exceptions",
    }


POLICY = """\
# ours
metrics:
  metrics/test.json:
    roc_auc: {min: 0.65, max_drop: 0.03}   # what we promised
exceptions:
- {metric: roc_auc, min: 0.6, reason: new label, accepted_by: Ada, expires: 2026-12-31}
"""
PROPOSED = (
    "metrics: {metrics/test.json: {roc_auc: {min: 0.57, max_drop: 0.1}, cost_per_row: {max: 8.6, max_rise: 0.9}}}"
)


def test_a_policy_that_is_there_gets_the_limits_that_it_lacks_and_stays_as_it_is_otherwise() -> None:
    text, added = with_missing_limits(POLICY, PROPOSED)

    assert added == ["cost_per_row"]
    assert text == POLICY.replace(
        "# what we promised\n", "# what we promised\n    cost_per_row: {max: 8.6, max_rise: 0.9}\n"
    )
    assert with_missing_limits(text, PROPOSED) == (text, [])


@pytest.mark.parametrize("text", ["metrics: 3\n", "metrics:\n", "[", "- a\n"])
def test_a_policy_that_cannot_be_added_to_is_one_line(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^gates.yaml: "):
        with_missing_limits(text, PROPOSED)


def test_limits_of_a_metric_between_0_and_1_lie_there() -> None:
    limit = metric_limit("f1", 0.3, {"low": 0.0, "high": 1.0}, Spread([0.1, 0.9], 0.3, 1.7), None)

    assert (plain(limit.bound), plain(limit.change)) == ("0", "0.99")
