"""The decision threshold that a rule chooses."""

from typing import Any

import numpy as np
import pytest
from sklearn import metrics as sk

from lifecycle.core.config import Params
from lifecycle.core.errors import ConfigError
from lifecycle.core.threshold import chooser
from lifecycle.core.threshold_rule import Rule

ROWS = 300
GENERATOR = np.random.default_rng(7)
POSITIVE = GENERATOR.random(ROWS) < 0.1
PROBABILITY = np.round(np.clip(0.2 * POSITIVE + GENERATOR.random(ROWS) * 0.6, 0.01, 0.99), 2)  # with ties
WEIGHTS = {"ones": np.ones(ROWS), "resampled": np.bincount(GENERATOR.integers(0, ROWS, ROWS), minlength=ROWS) * 1.0}
GRID = np.arange(0, 1.01, 0.005)
COSTS = {"false_positive": 1.0, "false_negative": 7.5, "true_positive": -2.0, "true_negative": 0.1}


def cost(label: np.ndarray, weights: np.ndarray) -> float:
    tn, fp, fn, tp = sk.confusion_matrix(POSITIVE, label, sample_weight=weights).ravel()
    return float(tn * 0.1 + fp + fn * 7.5 - tp * 2)


@pytest.mark.parametrize("weights", WEIGHTS.values(), ids=list(WEIGHTS))
def test_no_threshold_does_better_by_the_rule(weights: np.ndarray) -> None:
    f1, cheapest, precise, complete = (
        chooser(Rule.checked(rule, "rule"), POSITIVE, PROBABILITY)(weights)
        for rule in ("best_f1", {"cost": COSTS}, {"precision": 0.3}, {"recall": 0.8})
    )

    labels = [threshold <= PROBABILITY for threshold in GRID]
    f1_of = [sk.f1_score(POSITIVE, label, sample_weight=weights, zero_division=0) for label in labels]
    precisions = [sk.precision_score(POSITIVE, label, sample_weight=weights, zero_division=0) for label in labels]
    recalls = [sk.recall_score(POSITIVE, label, sample_weight=weights) for label in labels]
    assert sk.f1_score(POSITIVE, f1 <= PROBABILITY, sample_weight=weights) == pytest.approx(max(f1_of))
    assert cost(cheapest <= PROBABILITY, weights) == pytest.approx(min(cost(label, weights) for label in labels))
    # The precise one finds as many as any that is precise enough; the complete one labels as few as any that is complete enough.
    chosen = precise <= PROBABILITY
    assert sk.precision_score(POSITIVE, chosen, sample_weight=weights) >= 0.3
    enough = [recall for recall, precision in zip(recalls, precisions, strict=True) if precision >= 0.3]
    assert sk.recall_score(POSITIVE, chosen, sample_weight=weights) == pytest.approx(max(enough))
    assert sk.recall_score(POSITIVE, complete <= PROBABILITY, sample_weight=weights) >= 0.8
    assert complete >= max(threshold for threshold, recall in zip(GRID, recalls, strict=True) if recall >= 0.8) - 0.005


def test_probabilities_far_below_the_digits_of_a_threshold_are_told_apart() -> None:
    positive, probability = np.array([True, True, False, False]), np.array([4e-8, 3e-8, 2e-8, 1e-8])

    threshold = chooser(Rule(best_f1=True), positive, probability)(np.ones(4))

    assert ((probability >= threshold) == positive).all()


def test_a_precision_that_no_threshold_gives_is_not_a_number() -> None:
    positive = POSITIVE & (PROBABILITY.max() > PROBABILITY)

    assert np.isnan(chooser(Rule(precision=0.99), positive, PROBABILITY)(np.ones(ROWS)))


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("best_f1", "best F1"),
        ({"precision": 0.8}, "precision of at least 0.8"),
        ({"recall": 0.9}, "recall of at least 0.9"),
        ({"cost": {"false_positive": 1.0, "false_negative": 5.0}}, "lowest cost (false_positive 1, false_negative 5)"),
    ],
)  # fmt: skip
def test_a_rule_in_words(rule: Any, words: str) -> None:
    assert str(Rule.checked(rule, "rule")) == words


@pytest.mark.parametrize(
    ("task", "train", "evaluate", "complaint"),
    [
        ("binary", "best_f2", {}, "train.threshold.best_f2 is not a parameter (did you mean best_f1?)"),
        ("binary", {"precision": 0.8, "recall": 0.9}, {}, "name one rule"),
        ("binary", {"precision": 1.5}, {}, "less than 1"),
        ("binary", {"cost": {"false_positive": 1.0}}, {}, "cost.false_negative is missing"),
        ("binary", "best_f1", {"threshold": 0.4}, "train.threshold chooses the threshold: remove evaluate.threshold"),
        ("regression", "best_f1", {}, "train.threshold is a rule for a binary task, and the task is regression"),
    ],
)
def test_settings_that_are_no_rule_are_refused(
    params: Params, task: str, train: Any, evaluate: dict[str, Any], complaint: str
) -> None:
    content = params.model_dump(exclude_unset=True) | {"task": task}
    content["evaluate"].pop("threshold", None)
    content["evaluate"] |= evaluate
    content["train"]["threshold"] = train

    with pytest.raises(ConfigError) as error:
        Params.checked(content, "params.yaml")

    assert complaint in str(error.value)
    assert "\n" not in str(error.value)
