"""The plots of base and branch on one grid, so that the report can draw them over each other."""

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from lifecycle.core import config
from lifecycle.core.git import text_at

POINTS = 26
GROUPS = 2  # of a distribution, at most, that can be told apart; of more, the mean is drawn

Line = dict[str, Any]
"""`side`, `group` and `values`, which stand at equal distances along the axis."""
Points = list[dict[str, Any]]


def overlay(base: str | None, folder: Path) -> dict[str, Any]:
    """Return plot → `x`, the ends of its axis, and `lines`.

    Plots that the branch does not have are left out, and sides whose points are not what `evaluate` writes.

    Args:
        base: the commit to compare with, or None if there is none.
        folder: a checkout of the branch with its plots.
    """
    plots = {}
    for name, draw in PLOTS.items():
        path = config.PLOTS / f"{name}.json"
        of_branch = (
            (folder / path).read_bytes().decode("utf-8", errors="replace") if (folder / path).is_file() else None
        )
        both = {"base": _points(text_at(base, path) if base else None), "branch": _points(of_branch)}
        alone = {"branch": both["branch"]}
        for sides in (both, alone):
            if not all(sides.values()):
                continue
            with suppress(ValueError, TypeError, KeyError, OverflowError):
                plots[name] = draw(sides)
                break
    return plots


def _curve(x: str, y: str, chance: bool) -> Callable[[dict[str, Points]], dict[str, Any]]:
    """How to draw a curve from 0 to 1, with the diagonal of chance or without it."""

    def draw(sides: dict[str, Points]) -> dict[str, Any]:
        grid = np.linspace(0, 1, POINTS)
        lines = [_line(side, "", np.interp(grid, *_columns(points, x, y))) for side, points in sides.items()]
        return {"x": [0.0, 1.0], "lines": lines + ([_line("reference", "", grid)] if chance else [])}

    return draw


def _calibration(sides: dict[str, Points]) -> dict[str, Any]:
    """The mean outcome minus the mean prediction per bin, by prediction: bins of two sides do not stand at the same predictions."""
    columns = {side: _columns(points, "predicted", "actual") for side, points in sides.items()}
    bins = max(len(predicted) for predicted, _ in columns.values())
    lines = [_line(side, "", actual - predicted) for side, (predicted, actual) in columns.items()]
    return {"x": [1.0, float(bins)], "lines": [*lines, _line("reference", "", np.zeros(bins))]}


def _distribution(sides: dict[str, Points]) -> dict[str, Any]:
    """The share of rows per bin, of each group."""
    curves = {
        (side, group): _columns([point for point in points if point["group"] == group], "value", "share")
        for side, points in sides.items()
        for group in dict.fromkeys(point["group"] for point in points)
    }
    ends = [float(edge) for values, _ in curves.values() for edge in (values[0], values[-1])]
    grid = np.linspace(min(ends), max(ends), POINTS)
    drawn = {key: np.interp(grid, *curve, left=0, right=0) for key, curve in curves.items()}
    if len({group for _, group in drawn}) > GROUPS:
        of_sides = {side: [values for key, values in drawn.items() if key[0] == side] for side in sides}
        drawn = {(side, ""): np.mean(values, axis=0) for side, values in of_sides.items()}
    return {
        "x": [min(ends), max(ends)],
        "lines": [_line(side, str(group), line) for (side, group), line in drawn.items()],
    }


PLOTS: dict[str, Callable[[dict[str, Points]], dict[str, Any]]] = {
    "calibration": _calibration,
    "roc": _curve("false_positive_rate", "true_positive_rate", True),
    "precision_recall": _curve("recall", "precision", False),
    "distribution": _distribution,
}


def _points(text: str | None) -> Points:
    try:
        points = json.loads(text or "[]")
    except (ValueError, RecursionError):
        return []
    return points if isinstance(points, list) and all(isinstance(point, dict) for point in points) else []


def _columns(points: Points, x: str, y: str) -> tuple[np.ndarray, np.ndarray]:
    """The columns of a plot, in the order of its points. Raises ValueError if a number is not finite."""
    columns = np.array([[float(point[x]), float(point[y])] for point in points]).T
    if not np.isfinite(columns).all():
        raise ValueError("not finite")
    return columns[0], columns[1]


def _line(side: str, group: str, values: np.ndarray) -> Line:
    return {"side": side, "group": group, "values": np.round(values, 4).tolist()}
