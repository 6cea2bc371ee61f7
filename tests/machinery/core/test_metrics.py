"""scikit-learn is the judge: weighted or not, our figures are its figures."""

import numpy as np
import pytest
from sklearn import metrics as sk
from sklearn.isotonic import IsotonicRegression

from lifecycle.core import metrics

ROWS = 400
GENERATOR = np.random.default_rng(7)
WEIGHTS = {
    "ones": np.ones(ROWS),
    "resample": np.bincount(GENERATOR.integers(0, ROWS, ROWS), minlength=ROWS).astype(float),
}


def gained_by_recalibration(actual: np.ndarray, predicted: np.ndarray, weights: np.ndarray) -> float:
    """The squared error of predictions minus that after isotonic recalibration, by scikit-learn."""
    recalibrated = IsotonicRegression(out_of_bounds="clip").fit(predicted, actual, weights).predict(predicted)
    errors = [sk.mean_squared_error(actual, side, sample_weight=weights) for side in (predicted, recalibrated)]
    return errors[0] - errors[1]


@pytest.mark.parametrize("weights", WEIGHTS.values(), ids=list(WEIGHTS))
@pytest.mark.parametrize("decimals", [1, 9], ids=["ties", "no ties"])
def test_binary_metrics_equal_scikit_learns(weights: np.ndarray, decimals: int) -> None:
    positive = GENERATOR.random(ROWS) < 0.3
    probability = np.round(np.clip(0.3 * positive + GENERATOR.random(ROWS) * 0.7, 0.01, 0.99), decimals).clip(
        0.01, 0.99
    )
    label = probability >= 0.4

    measured = metrics.binary(positive, probability, label)(weights)

    assert measured == pytest.approx(
        {
            "roc_auc": sk.roc_auc_score(positive, probability, sample_weight=weights),
            "average_precision": sk.average_precision_score(positive, probability, sample_weight=weights),
            "log_loss": sk.log_loss(positive, probability, sample_weight=weights),
            "brier": sk.brier_score_loss(positive, probability, sample_weight=weights),
            "f1": sk.f1_score(positive, label, sample_weight=weights),
            "accuracy": sk.accuracy_score(positive, label, sample_weight=weights),
            "miscalibration": gained_by_recalibration(positive, probability, weights),
        }
    )


@pytest.mark.parametrize("weights", WEIGHTS.values(), ids=list(WEIGHTS))
def test_multiclass_metrics_equal_scikit_learns(weights: np.ndarray) -> None:
    actual = GENERATOR.integers(0, 3, ROWS)
    probabilities = GENERATOR.dirichlet([1, 1, 1], ROWS) * 0.6 + np.eye(3)[actual] * 0.4
    label = probabilities.argmax(axis=1)
    one_hot = np.eye(3)[actual]

    measured = metrics.multiclass(actual, probabilities)(weights)

    assert measured == pytest.approx(
        {
            "roc_auc": np.mean(
                [sk.roc_auc_score(one_hot[:, i], probabilities[:, i], sample_weight=weights) for i in range(3)]
            ),
            "average_precision": sk.average_precision_score(one_hot, probabilities, sample_weight=weights),
            "log_loss": sk.log_loss(actual, probabilities, sample_weight=weights),
            "brier": sk.brier_score_loss(
                actual, probabilities, sample_weight=weights, labels=[0, 1, 2], scale_by_half=False
            ),
            "f1": sk.f1_score(actual, label, average="macro", sample_weight=weights),
            "accuracy": sk.accuracy_score(actual, label, sample_weight=weights),
            "miscalibration": np.mean(
                [gained_by_recalibration(one_hot[:, i], probabilities[:, i], weights) for i in range(3)]
            ),
        }
    )


@pytest.mark.parametrize("weights", WEIGHTS.values(), ids=list(WEIGHTS))
def test_regression_metrics_equal_scikit_learns(weights: np.ndarray) -> None:
    actual = GENERATOR.normal(1000, 20, ROWS)
    predicted = actual + GENERATOR.normal(1, 5, ROWS)

    measured = metrics.regression(actual, predicted)(weights)

    assert measured == pytest.approx(
        {
            "mae": sk.mean_absolute_error(actual, predicted, sample_weight=weights),
            "rmse": sk.root_mean_squared_error(actual, predicted, sample_weight=weights),
            "r2": sk.r2_score(actual, predicted, sample_weight=weights),
            "miscalibration": gained_by_recalibration(actual, predicted, weights),
        }
    )


def test_a_metric_that_the_rows_do_not_define_is_left_out() -> None:
    measure = metrics.binary(np.zeros(5, dtype=bool), np.linspace(0.1, 0.9, 5), np.arange(5) > 2)

    assert set(metrics.point(measure, 5)) == {"log_loss", "brier", "f1", "accuracy", "miscalibration"}


def test_the_interval_of_a_share_is_the_binomial_one() -> None:
    rows = 1000
    label = np.arange(rows) % 5 != 0  # accuracy 0.8, standard error sqrt(0.8 * 0.2 / 1000) = 0.01265
    measure = metrics.binary(np.ones(rows, dtype=bool), label.astype(float), label)

    accuracy = metrics.intervals(measure, rows, resamples=2000, seed=1)["accuracy"]

    assert accuracy["low"] == pytest.approx(0.8 - 1.96 * 0.01265, abs=0.003)
    assert accuracy["high"] == pytest.approx(0.8 + 1.96 * 0.01265, abs=0.003)


def test_intervals_come_from_the_seed_alone() -> None:
    measure = metrics.regression(np.arange(50.0), np.arange(50.0) + GENERATOR.normal(0, 1, 50))

    assert metrics.intervals(measure, 50, 200, seed=3) == metrics.intervals(measure, 50, 200, seed=3)
    assert metrics.intervals(measure, 50, 200, seed=3) != metrics.intervals(measure, 50, 200, seed=4)


@pytest.mark.parametrize("overconfidence", [1.0, 2.0])
def test_the_interval_of_miscalibration_covers_the_true_one_which_the_figure_itself_exceeds(
    overconfidence: float,
) -> None:
    generator, rows, covered = np.random.default_rng(1), 500, 0
    chance = generator.beta(1, 2.5, 100_000)
    overconfident = 1 / (1 + (1 / chance - 1) ** overconfidence)
    true = float(np.mean((overconfident - chance) ** 2))

    for number in range(40):
        sample = slice(number * rows, (number + 1) * rows)
        measure = metrics.binary(generator.random(rows) < chance[sample], overconfident[sample], chance[sample] > 0.5)
        interval = metrics.intervals(measure, rows, 100, seed=number)["miscalibration"]
        covered += interval["low"] <= true + 1e-5 and true <= interval["high"]
        assert interval["low"] >= 0

    assert covered >= 24  # the percentile interval covers it in 0 and 10 of 40


def test_a_change_of_miscalibration_may_be_negative() -> None:
    chance = GENERATOR.beta(1, 2.5, ROWS)
    positive = GENERATOR.random(ROWS) < chance
    overconfident = metrics.binary(positive, (chance > 0.3) * 1.0, chance > 0.3)
    calibrated = metrics.binary(positive, chance, chance > 0.5)

    def change(weights: np.ndarray) -> dict[str, float]:
        return {"miscalibration": calibrated(weights)["miscalibration"] - overconfident(weights)["miscalibration"]}

    assert metrics.intervals(change, ROWS, 200, seed=1)["miscalibration"]["high"] < 0
