"""The decisions about a table in words."""

from typing import TYPE_CHECKING

from lifecycle.adopt import leaks, raw_file
from lifecycle.adopt.raw_file import RawFile

if TYPE_CHECKING:
    from lifecycle.adopt.plan import Plan

SHOWN = 6  # columns of a kind that are named


def explain(
    plan: "Plan", why_split: str, why_estimator: str, scores: dict[str, float], kept_anyway: dict[str, str]
) -> list[tuple[str, str]]:
    """Return a line for each decision: what it is about, and what was decided and why.

    Args:
        plan: everything that was decided.
        why_split: the reason for the split.
        why_estimator: the reason for the estimator.
        scores: how well each column alone predicts the target.
        kept_anyway: by column that is kept because the user says so: why it would be left out.
    """
    file, target, key = plan.file, plan.target, plan.key
    lines = [("file", f"{file.path.name}: {file.rows:,} rows × {len(file.columns)} columns{_dialect(file)}")]
    lines += [("text", note) for note in file.notes]
    lines += [("target", f"{target.name}: {target.task}, {target.why}")]
    lines += [("", f"{target.unlabelled:,} rows without a value are left out of training")] if target.unlabelled else []
    lines += [("warning", warning) for warning in target.warnings]
    lines += [("id", f"{key.id}: {key.why}")]
    if plan.time:
        dates = f"validation from {plan.time.validation_from}, test from {plan.time.test_from}"
        lines += [("split", f"by time: {dates}; {why_split}")]
    else:
        lines += [("split", why_split)]
        lines += [("", f"rows with one {key.group} stay on one side")] if key.group else []
        dated = [name for name in plan.inputs if plan.columns[name].kind == "date" and not plan.columns[name].nulls]
        lines += [("", f"to train on the past and test on what follows, give --time {dated[0]}")] if dated else []
    lines += [("format", f"{name}: {column.note}") for name, column in plan.columns.items() if column.note]
    lines += [("left out", f"{name}: {why}") for name, why in plan.exclude.items()]
    lines += [("", "--keep COLUMN gives one of them to the model all the same")] if plan.exclude else []
    lines += [("warning", f"{name}: kept as --keep says, though it is {why}") for name, why in kept_anyway.items()]
    lines += [
        ("warning", f"{name}: alone it predicts the target with a score of {score:.3f}; is it known when the prediction is made?")
        for name, score in scores.items() if leaks.HIGH <= score < leaks.LEAK
    ]  # fmt: skip
    kinds: dict[str, list[str]] = {}
    for name in plan.inputs:
        kinds.setdefault(plan.columns[name].kind, []).append(name)
    lines += [("inputs", f"{len(names)} {kind}: {some(names)}") for kind, names in kinds.items()]
    lines += [("slices", ", ".join(plan.slices) or "none: no column has a few values with enough test rows each")]
    lines += [("model", f"{plan.estimator[0].rpartition('.')[2]}: {why_estimator}")]
    return lines


def _dialect(file: RawFile) -> str:
    if not file.csv:
        return "" if file.path.suffix else " in Parquet parts"
    name = "tab" if file.csv.separator == "\t" else file.csv.separator
    decimal = ", decimal comma" if file.csv.decimal == "," else ""
    nulls = [repr(word) for word in file.csv.nulls or () if word not in raw_file.NULLS]
    return f"; separator {name}, {file.csv.encoding}{decimal}" + (f", {' '.join(nulls)} is missing" if nulls else "")


def some(names: list[str]) -> str:
    """Return the first of some names, and how many more there are."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
