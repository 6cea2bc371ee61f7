"""The decision threshold on the model card: what the rule achieves with it on the rows it was chosen on, and if they suffice."""

from typing import Any

import numpy as np
import pandas as pd

from lifecycle.core import metrics
from lifecycle.core.config import Params
from lifecycle.core.tables import figure, markdown_table
from lifecycle.core.threshold_rule import Costs
from lifecycle.core.weighted_sums import ratio

FEWEST = 50  # rows of the rarer class, below which one row more or less moves the threshold far
PLAIN = 0.5  # the threshold to compare with


def achieved(target: pd.Series, predictions: pd.DataFrame, threshold: float, params: Params) -> dict[str, Any]:
    """Return what labels at the chosen threshold and at 0.5 are worth; nothing if no rule chooses the threshold.

    Args:
        target: of the validation rows.
        predictions: for the same rows.
        threshold: of the model.
        params: the rule and the positive class.

    Returns `positive` and `negative`, how many rows there are of each; and `at`, threshold → `precision`, `recall`, `f1` and, if the
    rule has costs, `cost per row`.
    """
    rule = params.train.threshold
    if not rule:
        return {}
    one_hot, scores = metrics.one_hot_and_scores(target, predictions, params)
    positive, probability = one_hot[:, 0], scores[:, 0]
    at = {value: _outcomes(positive, probability >= value, rule.cost) for value in dict.fromkeys([threshold, PLAIN])}
    return {"positive": int(positive.sum()), "negative": int((~positive).sum()), "at": at}


def threshold_sections(of_threshold: dict[str, Any]) -> list[str]:
    """Return the section of the card, of what `achieved` returns; nothing if that is empty."""
    if not of_threshold:
        return []
    positive, negative, at = of_threshold["positive"], of_threshold["negative"], of_threshold["at"]
    names = list(next(iter(at.values())))
    rows = [
        [f"{value:.4g}", *(figure(each) if np.isfinite(each) else "undefined" for each in outcomes.values())]
        for value, outcomes in at.items()
    ]
    return [
        "## Decision threshold",
        f"Chosen on {positive + negative:,} validation rows, {positive:,} of which are positive.{_too_few(positive, negative)} On the "
        f"same rows, at the chosen threshold and at {PLAIN}:",
        markdown_table(["threshold", *names], rows),
    ]


def _too_few(positive: int, negative: int) -> str:
    name, rows = min(("positive", positive), ("negative", negative), key=lambda named: named[1])
    if rows >= FEWEST:
        return ""
    return (
        f" **{rows:,} {name} rows are too few to choose a threshold by: it takes at least {FEWEST}, and with fewer the threshold and "
        "what it achieves are mostly chance.**"
    )


def _outcomes(positive: np.ndarray, label: np.ndarray, cost: Costs | None) -> dict[str, float]:
    outcomes_of_rows = (positive & label, ~positive & label, positive & ~label, ~positive & ~label)
    hits, false_alarms, misses, rejections = (float(rows.sum()) for rows in outcomes_of_rows)
    outcomes = {
        "precision": ratio(hits, hits + false_alarms, float("nan")),
        "recall": ratio(hits, hits + misses, float("nan")),
        "f1": ratio(2 * hits, 2 * hits + false_alarms + misses),
    }
    if cost:
        total = (
            cost.true_positive * hits
            + cost.false_positive * false_alarms
            + cost.false_negative * misses
            + cost.true_negative * rejections
        )
        outcomes["cost per row"] = total / len(positive)
    return outcomes
