"""The gate's report in words: the exceptions that would let a branch pass.

Standard library only, as report.py.
"""

import datetime
import json
import re
from typing import Any

from lifecycle.gate.report_tables import MAX_ROWS

PERMISSION = ["new_problem:", "  reason: (why the table or task is replaced)", "  accepted_by: (who)"]
EXAMPLE_DAYS = 14  # for which the exception that the report proposes lasts
MARGIN = 5e-5  # a bound is written with four digits, and has to hold


def results_with_exceptions(content: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the results that an exception can accept: of metrics, slices, gaps between groups and weak slices."""
    weak = content.get("weak_slices", {}).get("checks", [])
    return [*content["metrics"], *content["slices"], *content.get("fairness", []), *weak]


def example(content: dict[str, Any]) -> list[str]:
    """Return the lines of gates.yaml that would let this branch pass, for a reviewer to complete."""
    if any(reason["kind"] == "new_problem" for reason in content["reasons"]):
        return [*PERMISSION]
    return [] if content["policy"]["of"] == "branch" else acceptable(content)


def acceptable(content: dict[str, Any]) -> list[str]:
    """Return the exceptions that would accept each failed limit at its present value."""
    try:
        expires = datetime.date.fromisoformat(content["date"]) + datetime.timedelta(days=EXAMPLE_DAYS)
    except ValueError:
        return []
    failed = [result for result in results_with_exceptions(content) if result["status"] == "FAIL"]
    weak = content.get("weak_slices", {}).get("checks", [])
    return [
        f"- {{{_accepted(result, result in weak)}, reason: (why), accepted_by: (who), expires: {expires}}}"
        for result in failed
        if isinstance(result["branch"], int | float)
    ][:MAX_ROWS]


def _accepted(result: dict[str, Any], weak: bool) -> str:
    """What an exception is about, and how far it goes."""
    if "column" in result:
        difference = result["kind"] == "difference"
        bound = f"max_difference: {result['branch'] + MARGIN:.4f}" if difference else f"min_ratio: {_least(result)}"
        return f"metric: {result['metric']}, fairness: {_scalar(result['column'])}, {bound}"
    metric, _, where = result["name"].rpartition(": ")[2].partition(" where ")
    rising = "rise" in result["limit"] or result["limit"].startswith("≤")
    bound = f"max: {result['branch'] + MARGIN:.4f}" if rising else f"min: {_least(result)}"
    place = f", {'weak_slice' if weak else 'slice'}: {_scalar(where)}" if where else ""
    return f"metric: {metric}{place}, {bound}"


def _least(result: dict[str, Any]) -> str:
    return f"{result['branch'] - MARGIN:.4f}"


def _scalar(text: str) -> str:
    """A text in YAML's flow style, in quotes only if it needs them."""
    return text if re.fullmatch(r"\w[\w =.<>-]*", text) else json.dumps(text, ensure_ascii=False)
