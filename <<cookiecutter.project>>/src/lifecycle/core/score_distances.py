"""How far the scores of two versions are apart on the same rows, in words."""

import pandas as pd


def distances(first: pd.DataFrame, second: pd.DataFrame, name: str) -> list[str]:
    """Return lines about two tables of scores; none if no row has a score of both.

    Args:
        first, second: a column per class, or one of probabilities or predictions: shape (rows, classes), with equal columns. Of several
            classes, the one counts whose probability differs most in a row.
        name: what the first is called.
    """
    distance = (first - second).abs().max(axis=1)
    if not distance.notna().any():
        return []
    lines = [
        f"  scores apart by   {distance.mean():.4f} on average, {distance.quantile(0.95):.4f} at most in 95% of the rows, "
        f"{distance.max():.4f} at most"
    ]
    if len(first.columns) == 1:
        lines.insert(0, f"  mean score        {second.iloc[:, 0].mean():.4f}, {name} {first.iloc[:, 0].mean():.4f}")
    return lines
