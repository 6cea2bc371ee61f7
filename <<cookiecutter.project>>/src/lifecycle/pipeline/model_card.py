"""The model card: what a person who has to trust the model reads first."""

from typing import Any

from sklearn.pipeline import Pipeline

from lifecycle.core import user_code
from lifecycle.core.config import Params
from lifecycle.core.tables import markdown_table

TOP = 10


def model_card(
    params: Params,
    fitted: Pipeline,
    rows: int,
    points: dict[str, dict[str, float]],
    intervals: dict[str, dict[str, float]],
    slices: dict[str, dict[str, dict[str, Any]]],
    importances: dict[str, float],
) -> str:
    """Return the card as Markdown.

    Args:
        rows: how many test rows there are.
        points: metrics by side of the split (`train`, `validation`, `test`).
        intervals: 95% interval of each test metric.
        slices: column → value → rows and metrics.
        importances: by raw column.
    """
    metrics = list(points["test"])
    positive = f" (`{params.data.positive}` is positive)" if params.task == "binary" else ""
    settings = (
        ", ".join(f"`{name}={value}`" for name, value in sorted(params.train.settings.items()))
        or "scikit-learn's defaults"
    )
    ranking = "r2" if params.task == "regression" else "roc_auc"
    lines = [
        "# Model card",
        "",
        user_code.description(params.package),
        "",
        "| | |",
        "|---|---|",
        f"| Task | {params.task}: predict `{params.data.target}`{positive} |",
        f"| Model | `{type(fitted[-1]).__name__}` with {settings} |",
        f"| Data | `{params.data.raw}`, held to `contract.yaml`; what each check found is in `reports/validation.json` |",
        f"| Split | {_split(params)} |",
        "",
        "## Performance",
        "",
        f"On {rows:,} test rows that took no part in training; intervals by bootstrap over rows.",
        "",
        markdown_table(
            ["metric", "test", "95% interval", "validation", "train"],
            [
                [
                    name,
                    f"{points['test'][name]:.4f}",
                    f"{intervals[name]['low']:.4f} to {intervals[name]['high']:.4f}" if name in intervals else "",
                    _figure(points["validation"].get(name)),
                    _figure(points["train"].get(name)),
                ]
                for name in metrics
            ],
        ),
        "",
        "## Slices",
        "",
    ]
    for column, values in slices.items():
        body = [
            [value, f"{part['rows']:,}", *(_figure(part.get(name)) for name in metrics)]
            for value, part in values.items()
        ]
        lines += [markdown_table([f"`{column}`", "rows", *metrics], body), ""]
    if not slices:
        lines += ["None: name columns in `evaluate.slices` of `params.yaml`.", ""]
    ranked = sorted(importances.items(), key=lambda item: -item[1])[:TOP]
    lines += [
        "## What the model looks at",
        "",
        f"Rise of {'RMSE' if params.task == 'regression' else 'log loss'} on test rows when the column is shuffled; the {len(ranked)} largest.",
        "",
        markdown_table(["column", "rise"], [[f"`{name}`", f"{value:.4f}"] for name, value in ranked]),
        "",
        "## Limits",
        "",
        f"- It has learned from rows like those in `{params.data.raw}`; where the contract or the slices above are thin, it guesses.",
        f"- Its lowest `{ranking}` of any slice: {_weakest(slices, ranking)}.",
        "- Correlation is all it knows: that a column matters does not mean that changing it changes the outcome.",
        "",
    ]
    return "\n".join(lines)


def _split(params: Params) -> str:
    if params.split.time:
        return f"by `{params.split.time.column}`: validation from {params.split.time.validation_from}, test from {params.split.time.test_from}"
    return f"by hash of `{params.data.id}`: validation {params.split.validation:.0%}, test {params.split.test:.0%}"


def _weakest(slices: dict[str, dict[str, dict[str, Any]]], metric: str) -> str:
    found = [
        (part[metric], f"{column} = {value}")
        for column, values in slices.items()
        for value, part in values.items()
        if metric in part
    ]
    return "{1} ({0:.4f})".format(*min(found)) if found else "none measured"


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
