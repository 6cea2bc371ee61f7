"""The part of the model card about periods: the metrics of each fold, and what a model loses with its age."""

from typing import Any

from lifecycle.core.tables import figure, markdown_table
from lifecycle.pipeline.staleness_curve import LOST_SHARE


def walk_forward_sections(content: dict[str, Any]) -> list[str]:
    """Return paragraphs of Markdown on the content of metrics/walk_forward.json; none if it is empty."""
    if not content:
        return []
    left_out = [f"- {line}." for line in content["left_out"]]
    return [
        "## Walk-forward evaluation",
        "The estimator, trained for each period on the rows that were known at its start, and tested on the rows of the period. The "
        "standard deviation is over the periods; beyond chance is what is left of it without what the number of their rows explains.",
        *(["\n".join(left_out)] if left_out else []),
        *([_folds(content)] if content["folds"] else []),
        *(_staleness(content["staleness"]) if len(content["staleness"]["curve"]) > 1 else []),
    ]


def renewal(staleness: dict[str, Any]) -> str:
    """Return in one sentence when a model is to be renewed."""
    oldest = staleness["curve"][-1]["days"]
    if staleness["renew_days"] is None:
        return f"Up to an age of {oldest} days, which is as far as the folds reach, no age calls for a renewal."
    return f"Renew the model when it is {staleness['renew_days']} days old."


def _folds(content: dict[str, Any]) -> str:
    names = list(content["mean"])
    rows = [
        [
            f"{fold['from']} to {fold['to']}",
            f"{fold['train_rows']:,}",
            f"{fold['rows']:,}",
            *(_figure(fold["metrics"].get(name)) for name in names),
        ]
        for fold in content["folds"]
    ]
    for label, key in (("mean", "mean"), ("standard deviation", "deviation"), ("beyond chance", "beyond_chance")):
        rows.append([label, "", "", *(_figure(content[key].get(name)) for name in names)])
    return markdown_table(["period", "training rows", "rows", *names], rows)


def _staleness(staleness: dict[str, Any]) -> list[str]:
    metric = staleness["metric"]
    rows = [
        [
            f"{point['days']:.0f} to {point['days'] + staleness['period_days']:.0f} days",
            f"{point['rows']:,.0f}",
            figure(point["loss"]),
            figure(point["renewed"]),
            f"{point['lost']:.1%} ({point['low']:.1%} to {point['high']:.1%})" if "lost" in point else "",
        ]
        for point in staleness["curve"]
    ]
    return [
        "### Age of the model",
        f"The {metric} of models of an age, and of models that were trained anew, on the same rows. Lost is the difference as a share of what "
        f"the renewed model gains over one that ignores the features, with its 95% interval. A model is to be renewed once {LOST_SHARE:.0%} are lost, "
        f"and surely something. {renewal(staleness)}",
        markdown_table(["age", "rows", metric, "of a renewed model", "lost"], rows),
    ]


def _figure(value: float | None) -> str:
    return "" if value is None else figure(value)
