"""Records of checks, as `contract.validate` returns them."""

from typing import Any

Record = dict[str, Any]


def record(column: str | None, check: str, passed: bool, explanation: str = "") -> Record:
    """Return the record of a check.

    Args:
        column: its column; None for the whole table.
        check: its name, as pandera prints it.
        passed: whether it passed.
        explanation: printed behind a check that failed.
    """
    examples = [explanation] if explanation else []
    return {"column": column, "check": check, "passed": passed, "failures": int(not passed), "examples": examples}


def not_run(column: str | None, check: str, reason: str) -> Record:
    """Return the record of a check that was not run: a failure."""
    return record(column, check, False, f"not run: {reason}")
