"""Why a branch fails, in sentences; the kind of a reason selects the next step in the report."""

from lifecycle.gate.recompute import Recomputed

MAX_LISTED = 6


def reasons_of_rerun(rerun: Recomputed, dirty: list[str]) -> list[dict[str, str]]:
    """Return the reasons to fail before any limit is checked. Their kinds select the next steps in the report."""
    if rerun.environment:
        return [reason("environment", f"nothing was recomputed: {line}") for line in rerun.environment]
    failure = [reason("pipeline", f"the pipeline fails: {rerun.failure}")] if rerun.failure else []
    if rerun.undeclared:
        text = f"no stage of dvc.yaml depends on {listed(rerun.undeclared)}, so a change there would go unnoticed"
        failure.append(reason("undeclared", text))
    if rerun.stale:
        text = f"the committed results are stale: {listed(rerun.stale)} changed since the last dvc repro"
        return [reason("stale", text), *failure]
    if rerun.altered:
        return failure + [reason("altered", f"not made by the pipeline: {line}") for line in rerun.altered]
    text = f"the working tree differs from the commit that is checked: {listed(dirty)}"
    return failure + ([reason("uncommitted", text)] if dirty else [])


def reason(kind: str, text: str) -> dict[str, str]:
    """Return a reason as the report takes it."""
    return {"kind": kind, "text": text}


def listed(names: list[str]) -> str:
    """Return the first names in a row, and how many more there are."""
    more = f" and {len(names) - MAX_LISTED} more" if len(names) > MAX_LISTED else ""
    return ", ".join(names[:MAX_LISTED]) + more
