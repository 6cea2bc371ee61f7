"""The gate's report in words: what the branch was compared with, and by which rule.

Standard library only, as report.py.
"""

from typing import Any

from lifecycle.core.markdown import counted
from lifecycle.gate.report_tables import MAX_ROWS
from lifecycle.gate.report_trust import believed_and_brought

SHORT = 9  # digits of a commit


def preface(content: dict[str, Any]) -> list[str]:
    """Return what a reader must know before the tables, a line each: the base, and whether it can be compared at all."""
    lines = [note] if (note := content["base"].get("note")) else []
    if content["branch"].get("moved"):
        lines.append(f"HEAD moved while this ran: the verdict is about commit {content['branch']['commit'][:SHORT]}")
    lines += believed_and_brought(content)
    if not (changes := exchanged(content)):
        return lines
    problem = content["problem"]
    if broken(content):
        lines += [f"The base cannot be read: {line}" for line in changes]
        return [
            *lines,
            "Nothing was compared with the base, and only absolute limits were checked, until a merge mends it",
        ]
    lines += [
        f"Another problem than the base's: {'; '.join(changes)}",
        "Not compared with the base: metrics, slices and predictions of the same test rows",
        f"A person has to approve the limits in this branch's gates.yaml: {'; '.join(problem['approve'][:MAX_ROWS]) or 'none'}",
    ]
    return lines + (
        [f"Allowed by new_problem in the base's gates.yaml: {problem['permission']}"] if problem["permission"] else []
    )


def rule(content: dict[str, Any]) -> str:
    """Return which rule decided whether a metric got worse."""
    note = content["pairing_note"]
    if broken(content):
        return "the base cannot be read, so only absolute limits apply"
    if exchanged(content):
        return "the base predicts something else, so only absolute limits apply"
    if not content["base"]["has_metrics"]:
        return "no baseline, so only absolute limits apply"
    if not content["paired_rows"]:
        return f"any regression beyond its limit fails, without an interval, because {note}"
    rows = counted(content["paired_rows"], "test row") + f" of both sides{f' ({note})' if note else ''}"
    return f"paired bootstrap on {rows}; a regression beyond its limit fails if its 95% interval excludes zero"


def exchanged(content: dict[str, Any]) -> list[str]:
    """Return how what is predicted differs from what the base predicts."""
    changes: list[str] = content.get("problem", {}).get("exchanged", [])
    return changes


def broken(content: dict[str, Any]) -> bool:
    """Whether nothing was compared because the base cannot be read."""
    return bool(content.get("problem", {}).get("broken"))
