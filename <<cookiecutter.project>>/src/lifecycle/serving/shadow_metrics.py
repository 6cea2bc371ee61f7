"""How far a shadow is from production on the rows that both answered, and which of them was right, for any task."""

import numpy as np
import pandas as pd

from lifecycle.core import score_distances
from lifecycle.prediction_log.labels import class_name, class_names

PROBABILITIES = "probabilities"


def distances(pairs: pd.DataFrame) -> list[str]:
    """Return in lines how far the two are apart; of several classes, by the one whose probability differs most in a row.

    The columns of `pairs` are those of the log; the shadow's end in `_shadow`.
    """
    production, shadow = _scores(pairs, "").align(_scores(pairs, "_shadow"), join="outer", axis=1, fill_value=0.0)
    return score_distances.distances(production, shadow, "production")


def performance(known: pd.DataFrame, positive: str | None) -> str:
    """Return in a line how well each did on the rows with a label, `label_actual`; `positive` as in `compare`."""
    known = known.assign(label_actual=class_names(known["label_actual"]))
    if known["label"].isna().all():  # a regression predicts numbers
        known = known.assign(label_actual=pd.to_numeric(known["label_actual"], errors="coerce"))
        known = known.dropna(subset=["label_actual"])
    if known.empty:
        return "  no labels yet: they come in through /feedback"
    counted = f"  {len(known):,} with labels"
    production, shadow = _scores(known, ""), _scores(known, "_shadow")
    if list(production) == ["prediction"]:
        errors = [(side["prediction"] - known["label_actual"]).abs().mean() for side in (shadow, production)]
        return f"{counted}  mean absolute error {errors[0]:.4f}, production {errors[1]:.4f}"
    accuracies = [(known[name] == known["label_actual"]).mean() for name in ("label_shadow", "label")]
    line = f"{counted}  accuracy {accuracies[0]:.4f}, production {accuracies[1]:.4f}"
    if list(production) == ["probability"] and positive is None:
        return line
    losses = [_log_loss(known["label_actual"], side, positive) for side in (shadow, production)]
    return f"{line}; log loss {losses[0]:.4f}, production {losses[1]:.4f}"


def _scores(pairs: pd.DataFrame, side: str) -> pd.DataFrame:
    """What one side predicted in numbers: the probability of each class, or of the positive one, or the prediction."""
    several = pairs[f"{PROBABILITIES}{side}"]
    if several.notna().any():
        of_rows = [value if isinstance(value, dict) else {} for value in several]
        return pd.DataFrame(of_rows, index=pairs.index, dtype="float64").fillna(0.0)
    name = "probability" if pairs["probability"].notna().any() else "prediction"
    return pairs[[f"{name}{side}"]].astype("float64").set_axis([name], axis=1)


def _log_loss(actual: pd.Series, scores: pd.DataFrame, positive: str | None) -> float:
    """The mean negative logarithm of what was predicted for the class that came about."""
    if list(scores) == ["probability"]:
        probability = scores["probability"]
        likelihood = np.where(actual == class_name(positive), probability, 1 - probability)
    else:
        places = pd.Index([class_name(name) for name in scores]).get_indexer(pd.Index(actual))
        likelihood = np.where(places >= 0, scores.to_numpy()[np.arange(len(scores)), places], 0.0)
    return float(-np.log(np.clip(likelihood, 1e-15, 1)).mean())
