"""Answers that have become worse than gates.yaml allows are a breach, if that is no chance."""

import datetime
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lifecycle.core import config
from lifecycle.core.config import Params
from lifecycle.core.errors import ConfigError
from lifecycle.gate import policy
from lifecycle.monitoring import performance
from machinery.monitoring import lab

TODAY = datetime.date(2026, 3, 1)


def measured(params: Params, rows: pd.DataFrame, exceptions: str = "[]") -> list[performance.MetricInterval]:
    text = lab.GATES.replace("{LIMITS}", lab.LIMITS[params.task]).replace("exceptions: []", f"exceptions: {exceptions}")
    return performance.measure(rows, policy.parse(text, "test"), params, TODAY)


def spoilt(rows: pd.DataFrame, share: float) -> pd.DataFrame:
    """Rows of which a share has the label of another row."""
    chance = np.random.default_rng(1)
    some = chance.random(len(rows)) < share
    return rows.assign(actual=np.where(some, chance.permutation(rows["actual"]), rows["actual"]))


def test_answers_are_labelled_by_the_threshold_that_a_rule_chose_for_their_version(
    params: Params, tmp_path: Path
) -> None:
    text = (config.PARAMS.read_text()).replace("train:\n", "train:\n  threshold: best_f1\n")
    (tmp_path / "params.yaml").write_text(re.sub(r"  threshold: 0\.5.*\n", "", text))
    (tmp_path / "validation.json").write_text('{"roc_auc": 0.8, "threshold": 0.31}')

    assert performance.params_of(tmp_path).evaluate.threshold == 0.31
    (tmp_path / "validation.json").write_text('{"roc_auc": 0.8}')
    with pytest.raises(ConfigError, match=r"validation\.json: has no threshold"):
        performance.params_of(tmp_path)
    (tmp_path / "validation.json").unlink()
    with pytest.raises(ConfigError, match=r"validation\.json: no such file"):
        performance.params_of(tmp_path)
    (tmp_path / "params.yaml").write_text(config.PARAMS.read_text())
    assert performance.params_of(tmp_path) == params  # a fixed threshold needs no file


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_worse_answers_are_a_breach_and_good_ones_are_not(params: Params, task: str) -> None:
    params = lab.of_task(params, task)
    rows = lab.logged_rows(1000, 3, params)

    (good,), (bad,) = measured(params, rows), measured(params, spoilt(rows, 0.8))

    assert (good.status, bad.status) == ("ok", "breach")
    assert good.low < good.value < good.high
    assert bad.labels == 1000


def test_a_metric_below_its_limit_is_none_while_its_interval_reaches_it(params: Params) -> None:
    params = lab.of_task(params, "binary")
    rows = spoilt(lab.logged_rows(6000, 3, params), 0.4)

    few, many = measured(params, rows.head(100))[0], measured(params, rows)[0]

    assert max(few.value, many.value) < 0.7
    assert (few.status, many.status) == ("ok", "breach")


@pytest.mark.parametrize(("expires", "status"), [("2026-03-01", "ok"), ("2026-02-28", "breach")])
def test_an_exception_of_the_gate_holds_here_too_until_it_ends(params: Params, expires: str, status: str) -> None:
    params = lab.of_task(params, "binary")
    rows = spoilt(lab.logged_rows(2000, 3, params), 0.4)
    exceptions = f"[{{metric: roc_auc, min: 0.4, reason: r, accepted_by: a, expires: {expires}}}]"

    assert [metric.status for metric in measured(params, rows, exceptions)] == [status]


def test_an_exception_for_groups_or_a_weak_slice_is_none_for_all_rows() -> None:
    text = """
metrics: {metrics/test.json: {roc_auc: {min: 0.8}}}
weak_slices: {min_rows: 9, metrics: {roc_auc: {min: 0.7}}}
fairness: {min_rows: 9, columns: {region: {roc_auc: {max_difference: 0.1}}}}
tolerance: 0
exceptions:
  - {metric: roc_auc, weak_slice: region=north, min: 0.1, reason: r, accepted_by: a, expires: 2026-03-01}
  - {metric: roc_auc, fairness: region, max_difference: 0.9, reason: r, accepted_by: a, expires: 2026-03-01}
"""

    assert performance.limits(policy.parse(text, "test"), TODAY)["roc_auc"].min == 0.8


def test_a_metric_that_the_rows_do_not_define_is_left_out(params: Params) -> None:
    params = lab.of_task(params, "binary")

    assert measured(params, lab.logged_rows(200, 3, params).assign(actual="a")) == []


def test_labels_are_taken_for_classes_by_their_text_and_others_are_none(params: Params) -> None:
    labels = pd.Series(["1", "1.0", "0", "True", "who", None, "2"])

    found = performance.actual(labels, pd.Series(["0", "1"]), lab.of_task(params, "binary"))
    assert found.dropna().to_dict() == {0: "1", 1: "1", 2: "0"}

    numbers = performance.actual(labels, pd.Series([0.5]), lab.of_task(params, "regression"))
    assert numbers.dropna().tolist() == [1, 1, 0, 2]
