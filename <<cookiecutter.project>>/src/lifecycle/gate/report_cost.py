"""What the gate's report says of what a model costs.

Standard library only, as report.py.
"""

from typing import Any

UNITS = {"training_seconds": "s", "peak_memory": "bytes", "model_size": "bytes", "prediction_ms_per_row": "ms"}
COST_HEADER = ["cost", "base", "branch", "ratio", "limit", "status"]


def cost_rows(content: dict[str, Any]) -> list[list[str]]:
    """Return a row of the table for each figure."""
    return [_row(result) for result in content.get("cost", [])]


def cost_in_words(name: str, value: float) -> str:
    """Return a figure with its unit."""
    unit = UNITS[name]
    if unit == "bytes":
        value, unit = (value / 1e6, "MB") if value >= 1e6 else (value / 1e3, "kB")
    return f"{value:,.0f} {unit}" if value >= 1000 else f"{value:.3g} {unit}"


def _row(result: dict[str, Any]) -> list[str]:
    name, sides = result["name"], (result["base"], result["branch"])
    figures = ["" if value is None else cost_in_words(name, value) for value in sides]
    ratio = "" if None in sides else f"{sides[1] / sides[0]:.2f}"
    return [name, *figures, ratio, result["limit"], result["status"]]
