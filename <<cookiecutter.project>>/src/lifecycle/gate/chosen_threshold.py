"""The decision threshold that training has chosen, for the report: it moves labels, and no parameter shows it."""

from lifecycle.core import config
from lifecycle.gate.check_result import finite_or_none
from lifecycle.gate.rules import Figures

VALIDATION = str(config.METRICS / "validation.json")


def chosen_threshold(figures: Figures) -> str:
    """Return the threshold of the branch's model, and the base's if training chose that too; nothing if a parameter fixes it."""
    figure = figures.get(VALIDATION, {}).get("threshold", {})
    branch, base = finite_or_none(figure.get("new")), finite_or_none(figure.get("old"))
    if branch is None:
        return ""
    return (
        f"Decision threshold: {branch:.4g}, chosen on validation rows{'' if base is None else f' (base: {base:.4g})'}"
    )
