"""The gate measures by the base's metrics.py, whatever the branch has made of its own."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lifecycle.core import config
from lifecycle.core.config import Params
from lifecycle.core.errors import ConfigError
from lifecycle.core.git import git
from lifecycle.core.own_metrics import OwnMetric
from lifecycle.gate.base_metrics import base_metrics, declared_by, remeasure, without_limit
from lifecycle.gate.baseline_rules import check_baselines, strongest
from lifecycle.gate.check_result import FAIL, PASS
from lifecycle.gate.limits import metric_limit
from lifecycle.gate.paired_bootstrap import PairedComparison, compare
from lifecycle.gate.policy import parse
from lifecycle.gate.refits import Spread

OWN = {"cost": OwnMetric(False, "prediction"), "lift": OwnMetric(True, "probability")}
SOURCE = """
import numpy as np
from lifecycle.core.own_metrics import metric
from {package}.prices import PRICE

@metric(higher_is_better={higher})
def cost(actual: np.ndarray, prediction: np.ndarray) -> float:
    return PRICE * np.mean(actual != prediction)
"""
POLICY = "metrics: {metrics/test.json: {roc_auc: {min: 0.5}, %s}}\ntolerance: 0.0\nexceptions: []\n"
ROWS = 400


def written(package: str, price: int, higher: bool = False) -> None:
    folder = Path("src", package)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "__init__.py").touch()
    (folder / "prices.py").write_text(f"PRICE = {price}\n")
    (folder / "metrics.py").write_text(SOURCE.format(package=package, higher=higher))


def predictions(params: Params, noise: float) -> pd.DataFrame:
    chance, wrong = np.random.default_rng(1).random(ROWS), np.random.default_rng(2).normal(0, noise, ROWS)
    positive = np.random.default_rng(3).random(ROWS) < chance
    target = np.where(positive, str(params.data.positive), "other")
    probability = np.clip(chance + wrong, 0.01, 0.99)
    return pd.DataFrame({params.data.id: range(ROWS), params.data.target: target, "probability": probability})


@pytest.fixture
def repo(params: Params, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repo whose base has a metric, in which a mistake costs 7; its files are the branch's, in which it costs nothing."""
    shutil.copy(config.PARAMS, tmp_path)
    monkeypatch.chdir(tmp_path)
    git("init", "--quiet")
    for name, value in {"user.name": "base", "user.email": "", "commit.gpgsign": "false"}.items():
        git("config", name, value)
    written(params.package, 7)
    git("add", "--all")
    git("commit", "--quiet", "--no-verify", "--message", "base")
    written(params.package, 0, higher=True)
    return tmp_path


def test_figures_and_slices_of_the_branch_are_measured_by_the_base(params: Params, repo: Path) -> None:
    rows = predictions(params, 0.3)
    column = params.evaluate.slices[0]
    (repo / config.PREDICTIONS).parent.mkdir(parents=True)
    rows.to_parquet(repo / config.PREDICTIONS)
    (repo / config.FEATURES).mkdir(parents=True)
    slices_columns = {name: np.where(rows.index < 100, "a", "b") for name in params.evaluate.slices}
    rows.assign(**slices_columns).to_parquet(repo / config.FEATURES / "test.parquet")
    mistakes = (rows[params.data.target] == params.data.positive) != (rows["probability"] >= params.evaluate.threshold)
    figures: dict[str, Any] = {"cost": {"old": 1.0, "new": 0.0}, "roc_auc": {"old": 0.8, "new": 0.8}}
    slices: dict[str, Any] = {column: {"a": {"rows": 100, "cost": 0.0}, "b": {"rows": 300}}}

    with base_metrics("HEAD", comparable=True) as own:
        result = remeasure(own, repo, figures, slices, tolerance=1e-4)

    assert figures["cost"]["new"] == pytest.approx(7 * mistakes.mean(), abs=1e-6)
    assert figures["roc_auc"] == {"old": 0.8, "new": 0.8}
    assert slices[column] == {
        "a": {"rows": 100, "cost": pytest.approx(7 * mistakes[:100].mean(), abs=1e-6)},
        "b": {"rows": 300},
    }
    assert result.own_figures == {"cost": 0.0}
    assert len(result.notes) == 1
    assert "not by this branch's, which gives 0.0000" in result.notes[0]


def test_a_metric_that_the_branch_has_dropped_stays_missing(params: Params, repo: Path) -> None:
    (repo / config.PREDICTIONS).parent.mkdir(parents=True)
    (repo / config.FEATURES).mkdir(parents=True)
    rows = predictions(params, 0.3).assign(**dict.fromkeys(params.evaluate.slices, "a"))
    for path in (config.PREDICTIONS, config.FEATURES / "test.parquet"):
        rows.to_parquet(repo / path)
    figures: dict[str, Any] = {"cost": {"old": 1.0}}

    with base_metrics("HEAD", comparable=True) as own:
        result = remeasure(own, repo, figures, {}, tolerance=1e-4)

    assert figures == {"cost": {"old": 1.0}}
    assert result.notes == []


def test_both_sides_are_paired_by_the_bases_function_and_direction(params: Params, repo: Path) -> None:
    base = repo / "base.parquet"
    predictions(params, 0.01).to_parquet(base)
    (repo / config.PREDICTIONS).parent.mkdir(parents=True)
    predictions(params, 0.5).to_parquet(repo / config.PREDICTIONS)

    with base_metrics("HEAD", comparable=True) as own:
        changes = compare("HEAD", base, repo, {"cost": {"new": 0.0}}, 0.0, own.measure).changes

    assert changes["cost"]["change"] == pytest.approx(-7 * changes["accuracy"]["change"], abs=1e-5)
    assert changes["cost"]["low"] > 0
    git("add", "--all")
    git("commit", "--quiet", "--no-verify", "--message", "branch")
    assert declared_by("HEAD~1", "HEAD")["cost"].higher_is_better is False


def test_a_base_that_has_no_metrics_or_is_not_comparable_measures_nothing(params: Params, repo: Path) -> None:
    with base_metrics("HEAD", comparable=False) as own:
        assert own.own == {}
    git("rm", "-r", "--quiet", "--force", "src")
    git("commit", "--quiet", "--no-verify", "--message", "none")
    with base_metrics("HEAD", comparable=True) as own:
        assert own.own == {}


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ("cost: {max: 3, max_rise: 0.1}, lift: {min: 1, max_drop: 0.1}", ""),
        ("cost: {min: 3}", "cost: the limit is on the wrong side"),
        ("lift: {max_rise: 3}", "lift: the limit is on the wrong side"),
    ],
)
def test_limits_of_the_users_metrics_must_be_on_the_side_that_is_worse(limits: str, message: str) -> None:
    if not message:
        assert parse(POLICY % limits, "gates.yaml", OWN).metrics["metrics/test.json"]["cost"].max == 3
        return
    with pytest.raises(ConfigError, match=message):
        parse(POLICY % limits, "gates.yaml", OWN)


def test_to_beat_a_baseline_in_a_metric_of_the_users_can_be_demanded() -> None:
    text = POLICY % "f1: {min: 0}" + "beats: {linear: {cost: 0.5, lift: 0.1}}\n"
    model, linear = {"log_loss": 0.1, "cost": 2.0, "lift": 3.0}, {"cost": 2.6, "lift": 2.8}

    with pytest.raises(ConfigError, match="cost is not a metric of baselines"):
        parse(text, "gates.yaml")
    results = check_baselines(parse(text, "gates.yaml", OWN), "binary", model, {"linear": linear}, OWN)

    statuses = {result.name: result.status for result in results}
    assert statuses["cost against the linear model"] == statuses["lift against the linear model"] == PASS
    better = strongest({"linear": linear}, {"linear": {"cost": 2.4, "lift": 2.7}}, OWN)
    assert better == {"linear": {"cost": 2.4, "lift": 2.8}}
    results = check_baselines(parse(text, "gates.yaml", OWN), "binary", model, better, OWN)
    assert {result.name: result.status for result in results}["cost against the linear model"] == FAIL


def test_fairness_may_name_a_metric_of_the_users() -> None:
    fairness = "fairness: {min_rows: 10, columns: {region: {cost: {max_difference: 1}}}}\n"

    assert parse(POLICY % "f1: {min: 0}" + fairness, "gates.yaml", OWN).fairness is not None
    with pytest.raises(ConfigError, match="'cost' is not a metric"):
        parse(POLICY % "f1: {min: 0}" + fairness, "gates.yaml")


def test_a_metric_without_a_limit_is_in_the_report() -> None:
    paired = PairedComparison({"cost": {"change": 0.2, "low": 0.1, "high": 0.3}}, ROWS)
    figures = {"cost": {"old": 1.0, "new": 1.2}, "lift": {"new": 2.0}, "accuracy": {"old": 1.0, "new": 1.0}}

    rows = without_limit(parse(POLICY % "lift: {min: 1}", "gates.yaml", OWN), OWN, figures, paired)

    assert [(row.name, row.base, row.branch, row.change, row.low, row.high) for row in rows] == [
        ("cost", 1.0, 1.2, 0.2, 0.1, 0.3)
    ]
    json.dumps([vars(row) for row in rows])


def test_a_proposed_limit_lies_on_the_side_that_is_worse() -> None:
    interval = {"low": 1.8, "high": 2.2}
    cost, lift = (
        metric_limit(name, 2.0, interval, Spread([2.1, 1.9], 2.0, 0.1), trivial, OWN)
        for name, trivial in (("cost", 9.0), ("lift", 1.0))
    )

    assert (cost.sign, lift.sign) == (-1, 1)
    assert float(cost.bound) > 2.2
    assert float(lift.bound) < 1.8
