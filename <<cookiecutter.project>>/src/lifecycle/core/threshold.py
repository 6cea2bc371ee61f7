"""The decision threshold of a binary classifier: at and above which probability a row is labelled positive, chosen by a rule.

It is chosen on rows that the model was not trained on, and becomes part of the model.
"""

from collections.abc import Callable

import numpy as np

from lifecycle.core.threshold_rule import Rule

DIGITS = 6


def chooser(rule: Rule, positive: np.ndarray, probability: np.ndarray) -> Callable[[np.ndarray], float]:
    """Return the function that chooses the threshold by a rule, given weights of the rows of shape (rows,).

    A threshold lies half way between two probabilities that follow each other among the rows, or between the outermost one
    and 0 or 1; of several that are equally good it is the highest. NaN if none satisfies the rule.

    Args:
        rule: of params.yaml.
        positive: shape (rows,), True where the row is of the positive class.
        probability: shape (rows,), the predicted probability of that class.
    """
    order = np.argsort(-probability, kind="stable")
    hit, descending = positive[order].astype(np.float64), probability[order]
    last = np.flatnonzero(np.append(np.diff(descending) != 0, True))  # of each run of equal probabilities
    values = np.concatenate([[1.0], descending[last], [0.0]])
    half_way = (values[:-1] + values[1:]) / 2
    rounded = np.round(half_way, DIGITS)
    thresholds = np.where((values[1:] < rounded) & (rounded <= values[:-1]), rounded, half_way)

    def choose(weights: np.ndarray) -> float:
        weight = weights[order]
        # How much is labelled positive at each threshold, rightly and wrongly; at the first nothing is.
        true = np.append(0.0, np.cumsum(weight * hit)[last])
        false = np.append(0.0, np.cumsum(weight * (1 - hit))[last])
        score = _score(rule, true, false)
        return float(thresholds[score.argmax()]) if np.isfinite(score.max()) else float("nan")

    return choose


def _score(rule: Rule, true: np.ndarray, false: np.ndarray) -> np.ndarray:
    """What the rule wants the highest of, at each threshold; -inf where it is not satisfied."""
    positives, negatives = true[-1], false[-1]
    with np.errstate(invalid="ignore", divide="ignore"):
        if rule.best_f1:
            return np.asarray(np.nan_to_num(2 * true / (true + false + positives), nan=-np.inf))
        if rule.cost:
            of_positives = rule.cost.true_positive * true + rule.cost.false_negative * (positives - true)
            of_negatives = rule.cost.false_positive * false + rule.cost.true_negative * (negatives - false)
            return np.asarray(-(of_positives + of_negatives))
        if rule.precision:
            return np.where(true / (true + false) >= rule.precision, true, -np.inf)
        return np.where(true / positives >= rule.recall, -(true + false), -np.inf)
