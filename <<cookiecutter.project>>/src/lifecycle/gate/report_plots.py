"""The plots of both sides as charts that GitHub draws from text: it shows neither images of a run nor inline SVG.

Standard library only, as report.py. Of the content only numbers get into a chart.
"""

import json
import math
from typing import Any

from lifecycle.core.markdown import plain

TITLES = {  # plot → title and the names of its axes
    "calibration": ("Calibration: mean outcome minus mean prediction", "bin of rows, by prediction", "difference"),
    "roc": ("ROC curve", "false positive rate", "true positive rate"),
    "precision_recall": ("Precision and recall", "recall", "precision"),
    "distribution": ("Distribution of scores, or of residuals", "score or residual", "share of rows"),
}
MOST_POINTS, MOST_LINES = 60, 5
COLOURS = {"base": ("#8cb4e8", "#f0b37e"), "branch": ("#0550ae", "#bc4c00"), "reference": ("#999999", "#999999")}
NAMES = ("blue", "orange")


def charts(content: dict[str, Any]) -> list[str]:
    """Return the lines of a chart for each plot of the content."""
    plots = content.get("plots")
    if not isinstance(plots, dict):
        return []
    return [line for name in TITLES if name in plots for line in _chart(name, plots[name])]


def _chart(name: str, plot: Any) -> list[str]:
    """The lines of one chart, or none if the content is not that of one."""
    title, x_name, y_name = TITLES[name]
    try:
        low, high = (_number(end) for end in plot["x"])
        lines = [
            (str(line["side"]), str(line["group"]), [_number(value) for value in line["values"]])
            for line in plot["lines"][:MOST_LINES]
        ]
        groups = list(dict.fromkeys(group for side, group, _ in lines if side != "reference"))
        colours = ", ".join(COLOURS[side][groups.index(group) if group in groups else 0] for side, group, _ in lines)
    except (TypeError, ValueError, KeyError, IndexError, AttributeError):
        return []
    if not all(0 < len(values) <= MOST_POINTS for _, _, values in lines):
        return []
    every_value = [value for _, _, values in lines for value in values]
    settings = {"xyChart": {"width": 560, "height": 320}, "themeVariables": {"xyChart": {"plotColorPalette": colours}}}
    legend = ", ".join(f"{plain(group)}: {colour}" for group, colour in zip(groups, NAMES, strict=False) if group)
    return [
        f"**{title}**{f' ({legend})' if len(groups) > 1 else ''}",
        "",
        "```mermaid",
        f"%%{{init: {json.dumps(settings)}}}%%",
        "xychart-beta",
        f'  x-axis "{x_name}" {low:g} --> {high:g}',
        f'  y-axis "{y_name}" {min(0.0, *every_value):g} --> {max(every_value):g}',
        *(f"  line [{', '.join(f'{value:g}' for value in values)}]" for _, _, values in lines),
        "```",
        "",
    ]


def _number(value: Any) -> float:
    """The value as a number that a chart can have. Raises ValueError for any other."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or abs(value) > 1e12:
        raise ValueError(value)
    return round(float(value), 4)
