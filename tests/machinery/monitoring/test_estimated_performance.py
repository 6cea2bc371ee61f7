"""Performance estimated without labels: where the labels come from the probabilities, the metric lies in its interval; and where they do not, it does not."""

import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lifecycle.core import metrics
from lifecycle.core.config import Params
from lifecycle.gate import policy
from lifecycle.monitoring import summary_format
from lifecycle.monitoring.alarms import estimate_alarms
from lifecycle.monitoring.estimated_performance import estimate, of_each_class, outcomes, probabilities
from lifecycle.monitoring.mlflow_series import figures
from lifecycle.monitoring.reference_calibration import Calibration
from machinery.monitoring import lab

TODAY = datetime.date(2026, 3, 1)
OF_CLASSES = ["roc_auc", "average_precision", "log_loss", "brier", "f1", "accuracy"]
LIMITS = policy.parse(
    lab.GATES.replace(
        "{LIMITS}",
        "{"
        + ", ".join(
            f"{name}: {{max: 9}}" if name in metrics.LOWER_IS_BETTER else f"{name}: {{min: 0}}"
            for name in [*OF_CLASSES, "miscalibration"]
        )
        + "}",
    ),
    "test",
)


def answers(rows: int, seed: int, classes: int = 2, shape: float = 2.0) -> pd.DataFrame:
    """Return answers whose `actual` comes from their probabilities."""
    chance = np.random.default_rng(seed)
    shares = chance.dirichlet([shape] * classes, rows)
    codes = (shares.cumsum(axis=1)[:, :-1] < chance.random((rows, 1))).sum(axis=1)
    names = list("abcdef"[:classes])
    scores = {"probability": shares[:, 1]} if classes == 2 else {}
    if classes > 2:
        scores = {f"probabilities.{name}": shares[:, place] for place, name in enumerate(names)}
    return pd.DataFrame({**scores, "actual": np.array(names)[codes]})


def overconfident(rows: pd.DataFrame) -> pd.DataFrame:
    """The same rows, with probabilities nearer to 0 and 1 than they are."""
    odds = (rows["probability"] / (1 - rows["probability"])) ** 2.5
    return rows.assign(probability=odds / (1 + odds))


def measured(rows: pd.DataFrame, params: Params) -> dict[str, float]:
    names = {name: str(name).replace("probabilities.", "probability_", 1) for name in rows}
    return metrics.point(metrics.measure(rows["actual"], rows.rename(columns=names), params), len(rows))


def covered(reference: pd.DataFrame, windows: list[pd.DataFrame], params: Params) -> dict[str, float]:
    """Return the share of windows in which a metric lies in its interval."""
    inside: dict[str, list[bool]] = {}
    for window in windows:
        with_labels = measured(window, params)
        for metric in estimate(window.drop(columns="actual"), reference, LIMITS, params, TODAY)[0]:
            inside.setdefault(metric.metric, []).append(metric.low <= with_labels[metric.metric] <= metric.high)
    return {name: float(np.mean(values)) for name, values in inside.items()}


def of_task(params: Params, task: str) -> Params:
    """With a threshold that is not in the middle."""
    return lab.of_task(params, task).labelling_at(0.35)


@pytest.mark.parametrize(("task", "classes", "count"), [("binary", 2, 40), ("multiclass", 3, 10)])
def test_the_metric_lies_in_its_interval_if_the_probabilities_are_calibrated(
    params: Params, task: str, classes: int, count: int
) -> None:
    """Whatever scores the window has: here they are more certain than those of the reference."""
    windows = [answers(300, seed, classes, shape=0.7) for seed in range(10, 10 + count)]

    shares = covered(answers(800, 1, classes), windows, of_task(params, task))

    assert sorted(shares) == sorted(OF_CLASSES)  # and not miscalibration, which is assumed
    assert min(shares.values()) >= 0.8  # 0.95 is expected
    assert np.mean(list(shares.values())) <= 0.999


def test_scores_that_are_off_are_corrected_by_the_reference(params: Params) -> None:
    binary = of_task(params, "binary")
    reference, windows = overconfident(answers(800, 1)), [overconfident(answers(300, seed)) for seed in range(10, 30)]

    _, corrected = estimate(windows[0], reference, LIMITS, binary, TODAY)
    shares = covered(reference, windows, binary)

    assert corrected
    assert min(shares.values()) >= 0.8


def test_an_estimate_is_wrong_where_its_assumption_is(params: Params) -> None:
    """The reference is calibrated, the window is not: no estimate can know that without labels."""
    binary = of_task(params, "binary")
    windows = [overconfident(answers(500, seed)) for seed in range(10, 20)]

    _, corrected = estimate(windows[0], answers(800, 1), LIMITS, binary, TODAY)
    shares = covered(answers(800, 1), windows, binary)

    assert not corrected
    assert max(shares["brier"], shares["log_loss"], shares["accuracy"]) < 0.1


def test_the_estimate_is_the_metric_of_the_expected_confusion_matrix(params: Params) -> None:
    """Three rows, by hand: labelled positive are those of 0.9 and 0.4, as the threshold is 0.35."""
    rows = pd.DataFrame({"probability": [0.9, 0.4, 0.2]})

    found = of_each_class(rows, of_task(params, "binary"))(probabilities(rows).T.ravel())

    true_positive, false_positive, false_negative = 0.9 + 0.4, 0.1 + 0.6, 0.2
    assert found["accuracy"] == pytest.approx((true_positive + 0.8) / 3)
    assert found["f1"] == pytest.approx(2 * true_positive / (2 * true_positive + false_positive + false_negative))
    assert found["brier"] == pytest.approx(sum(p * (1 - p) for p in (0.9, 0.4, 0.2)) / 3)


def test_the_estimate_is_that_of_nannyml(params: Params) -> None:
    """Of the same 5,000 rows CBPE of nannyml 0.13.1 gives these, which was tried once: it brings 33 packages along."""
    rows = answers(5000, 2, shape=0.7)

    found = of_each_class(rows, of_task(params, "binary"))(probabilities(rows).T.ravel())

    expected = {"roc_auc": 0.873277, "average_precision": 0.877357, "f1": 0.796156, "accuracy": 0.767639}
    assert {name: round(found[name], 6) for name in expected} == expected


@pytest.mark.parametrize("classes", [2, 3])
def test_a_correction_makes_probabilities_of_scores_that_are_off(params: Params, classes: int) -> None:
    task = of_task(params, "binary" if classes == 2 else "multiclass")
    chance, rows = np.random.default_rng(0), answers(3000, 3, classes)
    right, codes = probabilities(rows), outcomes(rows, task)
    off = right**3 / (right**3).sum(axis=1, keepdims=True)

    calibrations = [Calibration(scores, codes, chance) for scores in (right, off)]
    mended = calibrations[1].corrected(off)

    assert [calibration.is_off for calibration in calibrations] == [False, True]
    assert mended.sum(axis=1) == pytest.approx(np.ones(3000))
    assert np.abs(mended - right).mean() < np.abs(off - right).mean() / 2
    assert (calibrations[0].corrected(right) == right).all()


def test_an_estimate_is_shown_and_is_an_alarm_only_if_the_setting_says_so(params: Params, tmp_path: Path) -> None:
    """And only while the metric is not measured."""
    rows = lab.logged_rows(800, 3, lab.of_task(params, "binary"))
    rows["probability"] = 0.45 + rows["probability"] / 10  # so uncertain that it hardly ranks
    found = {}
    for setting in ("shown", "alarm", "none"):
        baseline = lab.baseline(
            tmp_path / "4", lab.of_task(params, "binary"), lab.settings(performance__estimated=setting)
        )
        found[setting] = lab.summary(baseline, rows.drop(columns="actual"), rows.head(0))

    said = "roc_auc is estimated at 0.5"
    assert [metric.status for metric in found["shown"].estimated] == ["breach"]
    assert not any(said in alarm for alarm in found["shown"].alarms)
    assert any(said in alarm and "without labels" in alarm for alarm in found["alarm"].alarms)
    assert (found["none"].estimated, found["shown"].performance) == ([], [])
    assert "estimated/roc_auc.low" in figures(found["shown"])
    for text in (summary_format.terminal(found["shown"]), summary_format.markdown(found["shown"])):
        assert "estimated without labels (probabilities taken as calibrated; concept drift is not seen)" in text
    assert list(estimate_alarms(found["shown"].estimated, found["shown"].estimated)) == []


def test_a_regression_has_no_estimate(params: Params) -> None:
    regression = lab.of_task(params, "regression")
    rows = lab.logged_rows(300, 1, regression)

    assert estimate(rows, rows, LIMITS, regression, TODAY) == ([], False)
