"""Shadow and production on the same rows, from the prediction log: how often and how far do they disagree, and who was right?"""

import datetime
from pathlib import Path

import numpy as np
import pandas as pd

from lifecycle.core.errors import DataError
from lifecycle.prediction_log import reader as log_reader


def compare(folder: Path, since: datetime.datetime, until: datetime.datetime, positive: str | None) -> str:
    """Return what the log says of the latest shadow in a window, in a few lines.

    Args:
        positive: the label whose probability is logged; None for a task that has none.

    Raises DataError if no row was answered by both.
    """
    found, broken = log_reader.answers(folder, since, until)
    shadows = found[found["role"] == "shadow"]
    if shadows.empty:
        raise DataError(
            f"{folder}: no row was answered by a shadow since {since:%Y-%m-%d %H:%M} UTC: deploy --shadow begins one"
        )
    version = shadows["version"].iloc[shadows["time"].argmax()]
    shadow = shadows[shadows["version"] == version].drop_duplicates("request_id", keep="last")
    production = found[found["role"] == "production"].drop_duplicates("request_id", keep="last")
    pairs = production.merge(shadow, on="request_id", suffixes=("", "_shadow"))
    if pairs.empty:
        raise DataError(f"{folder}: no row of the shadow, version {version}, was answered by production in this window")
    beside = ", ".join(str(number) for number in sorted(pairs["version"].unique()))
    lines = [
        f"shadow, version {version}, beside production, version {beside}: {len(pairs):,} rows since {since:%Y-%m-%d %H:%M} UTC"
    ]
    differ = pairs["label"] != pairs["label_shadow"]
    if pairs["label"].notna().any():
        lines.append(f"  another label     {differ.sum():,} rows ({differ.mean():.2%})")
    name = "probability" if pairs["probability"].notna().any() else "prediction"
    scores, others = pairs[name], pairs[f"{name}_shadow"]
    if scores.notna().any():
        far = (scores - others).abs()
        lines.append(f"  mean score        {others.mean():.4f}, production {scores.mean():.4f}")
        lines.append(
            f"  scores apart by   {far.mean():.4f} on average, {far.quantile(0.95):.4f} at most in 95% of the rows, {far.max():.4f} at most"
        )
    lines += _with_labels(pairs, log_reader.feedback(folder, since, until)[0], name, positive)
    if broken:
        lines.append(f"  {broken:,} lines of the log cannot be read")
    return "\n".join(lines)


def _with_labels(pairs: pd.DataFrame, labels: pd.DataFrame, name: str, positive: str | None) -> list[str]:
    """How well each did on the rows whose label has come in."""
    known = pairs.merge(labels, on="request_id", suffixes=("", "_actual"))
    if known.empty:
        return ["  no labels yet: they come in through /feedback"]
    if name == "prediction":
        actual = known["label_actual"].astype(float)
        errors = [float((known[column] - actual).abs().mean()) for column in (name, f"{name}_shadow")]
        return [f"  {len(known):,} with labels  mean absolute error {errors[1]:.4f}, production {errors[0]:.4f}"]
    right = [float((known[column] == known["label_actual"]).mean()) for column in ("label", "label_shadow")]
    said = f"  {len(known):,} with labels  accuracy {right[1]:.4f}, production {right[0]:.4f}"
    if positive is not None and known[name].notna().all():
        outcome = known["label_actual"] == positive
        losses = [_log_loss(outcome, known[column]) for column in (name, f"{name}_shadow")]
        said += f"; log loss {losses[1]:.4f}, production {losses[0]:.4f}"
    return [said]


def _log_loss(outcome: pd.Series, probability: pd.Series) -> float:
    chance = np.clip(np.where(outcome, probability, 1 - probability), 1e-15, 1)
    return float(-np.log(chance).mean())
