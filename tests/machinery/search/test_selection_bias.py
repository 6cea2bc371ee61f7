"""How good the best of many is that are all alike."""

import numpy as np

from lifecycle.core import metrics
from lifecycle.search.selection_bias import corrected

ROWS, TRIALS = 300, 40


def test_the_best_of_many_guesses_looks_better_than_a_guess_and_is_not_when_corrected() -> None:
    generator = np.random.default_rng(5)
    best, values, covered = [], [], 0
    for number in range(8):
        positive = generator.random(ROWS) < 0.5
        guesses = generator.random((TRIALS, ROWS))
        measures = [metrics.binary(positive, guess, guess > 0.5) for guess in guesses]
        best.append(max(measure(np.ones(ROWS))["roc_auc"] for measure in measures))
        bounds = corrected(measures, "roc_auc", ROWS, 1, seed=number)
        values.append(bounds["value"])
        covered += bounds["low"] <= 0.5 <= bounds["high"]

    assert np.mean(best) > 0.55
    assert abs(np.mean(values) - 0.5) < 0.025  # a guess is right half of the time
    assert covered >= 7


def test_a_trial_that_is_better_than_all_others_stays_as_good_as_it_is() -> None:
    generator = np.random.default_rng(6)
    positive = generator.random(ROWS) < 0.5
    good = np.clip(0.3 * positive + 0.7 * generator.random(ROWS), 0.01, 0.99)
    measures = [metrics.binary(positive, guess, guess > 0.5) for guess in (good, *generator.random((10, ROWS)))]

    bounds = corrected(measures, "log_loss", ROWS, -1, seed=1)

    assert abs(bounds["value"] - measures[0](np.ones(ROWS))["log_loss"]) < 0.02
