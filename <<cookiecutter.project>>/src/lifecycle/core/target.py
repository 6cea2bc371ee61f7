"""Whether a target suits the task in params.yaml."""

from collections.abc import Iterable, Mapping
from typing import Any

from lifecycle.core.config import Params
from lifecycle.core.errors import ConfigError


def is_class(value: Any, name: Any) -> bool:
    """Return whether a value of the target is of a class, whose name is the text of its value; 1.0 is of class 1, too."""
    return str(value) == str(name) or (isinstance(value, float) and value.is_integer() and str(int(value)) == str(name))


def by_label(weights: Mapping[Any, Any], labels: Iterable[Any], where: str) -> dict[Any, Any]:
    """Return weights by the label itself, which YAML may write as text, number or boolean.

    Raises ConfigError, which says where, if a name is of no label.
    """
    labels = list(labels)
    of_labels = {label: weight for name, weight in weights.items() for label in labels if is_class(label, name)}
    if unknown := [name for name in weights if not any(is_class(label, name) for label in labels)]:
        known = ", ".join(sorted(map(str, labels)))
        raise ConfigError(f"{where}: there is no class {unknown[0]} (there are: {known})")
    return of_labels


def fits_task(params: Params, rows: int, nulls: int, values: list[Any], not_a_number: str) -> dict[str, Any]:
    """Return a record, as `contract.validate` does, of whether the target suits the task.

    Args:
        params: the task, the target's name and the positive class.
        rows: how many rows there are.
        nulls: how many of them lack the target.
        values: its distinct values.
        not_a_number: why the target is not a number, if it is not.
    """
    classes = [str(value) for value in values]
    wrong = ""
    if nulls:
        wrong = f"{nulls:,} nulls"
    elif params.task == "regression":
        wrong = not_a_number
    elif params.task == "binary":
        wrong = "" if len(classes) == 2 else f"{len(classes):,} classes ({', '.join(classes[:3])})"
        if not wrong and not any(is_class(value, params.data.positive) for value in values):
            wrong = f"no {params.data.positive!r} (data.positive) among {', '.join(classes)}"
    elif not 2 < len(classes) <= max(rows**0.5, 3):
        wrong = f"{len(classes):,} classes in {rows:,} rows"
    examples = [wrong] if wrong else []
    check = f"fits_task({params.task})"
    return {
        "column": params.data.target, "check": check, "passed": not wrong, "failures": len(examples), "examples": examples,
    }  # fmt: skip
