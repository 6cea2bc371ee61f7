"""Whether a target can be learned as the task in params.yaml has it."""

from typing import Any

from lifecycle.core.config import Params


def fits_task(params: Params, rows: int, nulls: int, values: list[Any], number: str) -> dict[str, Any]:
    """Return the record of a target with so many nulls and these distinct values; `number` says why it is none, if so."""
    classes = [str(value) for value in values]
    wrong = ""
    if nulls:
        wrong = f"{nulls:,} nulls"
    elif params.task == "regression":
        wrong = number
    elif params.task == "binary":
        wrong = "" if len(classes) == 2 else f"{len(classes):,} classes ({', '.join(classes[:3])})"
        if not wrong and str(params.data.positive) not in classes:
            wrong = f"no {params.data.positive!r} (data.positive) among {', '.join(classes)}"
    elif not 2 < len(classes) <= max(rows**0.5, 3):
        wrong = f"{len(classes):,} classes in {rows:,} rows"
    examples = [wrong] if wrong else []
    check = f"fits_task({params.task})"
    return {
        "column": params.data.target, "check": check, "passed": not wrong, "failures": len(examples), "examples": examples,
    }  # fmt: skip
