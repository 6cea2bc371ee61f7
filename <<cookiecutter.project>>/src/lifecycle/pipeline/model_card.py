"""The model card: what someone who has to rely on the model reads first."""

from typing import Any

from lifecycle.core import user_code
from lifecycle.core.config import Params
from lifecycle.core.tables import markdown_table
from lifecycle.pipeline.evaluation import Evaluation
from lifecycle.pipeline.threshold_card import threshold_sections
from lifecycle.pipeline.walk_forward_card import walk_forward_sections

TOP = 10
PROPER = ("log_loss", "brier", "miscalibration")  # what the calibration of probabilities changes


def model_card(params: Params, model: Evaluation) -> str:
    """Return the card as Markdown."""
    metrics = list(model.points["test"])
    loss = "RMSE" if params.task == "regression" else "log loss"
    ranked = sorted(model.importances.items(), key=lambda item: -item[1])[:TOP]
    sections = [
        "# Model card",
        user_code.description(params.package),
        _overview(params, model.estimator, model.decision, model.versions),
        "## Performance",
        f"On {model.rows:,} test rows that were not used in training, with intervals by bootstrap over rows.",
        _performance(model.points, model.intervals),
        "## Baselines",
        f"The same test rows, predicted by the {'mean' if params.task == 'regression' else 'share of each class'}, by a linear model, "
        "and by this one.",
        *([f"The linear model could not be fitted: {model.baseline_failure}"] if model.baseline_failure else []),
        _ladder(model.points["test"], model.baselines),
        *threshold_sections(model.at_threshold),
        *_calibration(model.points["test"], model.uncalibrated),
        *walk_forward_sections(model.walk_forward),
        "## Slices",
        *(_slice(column, values, metrics) for column, values in model.slices.items()),
        *([] if model.slices else ["None: name columns in `evaluate.slices` of `params.yaml`."]),
        "## Weak slices",
        *_weak(model.weak, metrics),
        "## Importance of the columns",
        f"How much {loss} rises on test rows when a column is shuffled; the {len(ranked)} largest.",
        markdown_table(["column", "rise"], [[f"`{name}`", _figure(value)] for name, value in ranked]),
        "## Limits",
        _limits(params, model.slices),
    ]
    return "\n\n".join(sections) + "\n"


def _overview(params: Params, estimator: str, decision: str, versions: dict[str, str]) -> str:
    positive = f" (`{params.data.positive}` is positive)" if params.task == "binary" else ""
    settings = ", ".join(f"`{name}={value}`" for name, value in sorted(params.train.settings.items()))
    rows = [
        ["Task", f"{params.task}: predict `{params.data.target}`{positive}"],
        ["Model", f"`{estimator}` with {settings or 'its default settings'}"],
        *([["Decision threshold", decision]] if decision else []),
        ["Data", f"`{params.data.raw}`, validated against `contract.yaml`: see `reports/validation.json`"],
        ["Split", _split(params)],
        ["Computed with", ", ".join(f"{name} {number}" for name, number in versions.items())],
        *(
            [["Not given to the model", ", ".join(f"`{name}`" for name in params.data.exclude)]]
            if params.data.exclude
            else []
        ),
        *([["Weight of a row in training", _weights(params)]] if _weights(params) else []),
        *(
            [["Rows without a target", "left out of training and of every figure here"]]
            if params.data.unlabelled
            else []
        ),
    ]
    return markdown_table(["", ""], rows)


def _weights(params: Params) -> str:
    of_rows = f"column `{params.data.weight}`" if params.data.weight else ""
    of_classes = f"`class_weight={params.train.class_weight}`" if params.train.class_weight else ""
    named = " times ".join(filter(None, [of_rows, of_classes]))
    return f"{named}; every figure here counts each row once" if named else ""


def _split(params: Params) -> str:
    if time := params.split.time:
        gap = f", without the {time.gap_days} days before each" if time.gap_days else ""
        return f"by `{time.column}`: validation from {time.validation_from}, test from {time.test_from}{gap}"
    return f"by hash of `{params.split.group or params.data.id}`: validation {params.split.validation:.0%}, test {params.split.test:.0%}"


def _performance(points: dict[str, dict[str, float]], intervals: dict[str, dict[str, float]]) -> str:
    rows = [
        [
            name,
            _figure(value),
            f"{_figure(intervals[name]['low'])} to {_figure(intervals[name]['high'])}" if name in intervals else "",
            _figure(points["validation"].get(name)),
            _figure(points["train"].get(name)),
        ]
        for name, value in points["test"].items()
    ]
    return markdown_table(["metric", "test", "95% interval", "validation", "train"], rows)


def _ladder(test: dict[str, float], baselines: dict[str, dict[str, float]]) -> str:
    rows = [
        [name, _figure(baselines["trivial"].get(name)), _figure(baselines["linear"].get(name)), _figure(value)]
        for name, value in test.items()
    ]
    return markdown_table(["metric", "trivial", "linear", "this model"], rows)


def _calibration(test: dict[str, float], before: dict[str, float]) -> list[str]:
    rows = [[name, _figure(before.get(name)), _figure(value)] for name, value in test.items() if name in PROPER]
    text = "The same test rows, predicted without the calibration of the probabilities and with it; lower is better."
    return ["## Calibration", text, markdown_table(["metric", "before", "after"], rows)] if before else []


def _slice(column: str, values: dict[str, dict[str, Any]], metrics: list[str]) -> str:
    rows = [
        [value, f"{measured['rows']:,}", *(_figure(measured.get(name)) for name in metrics)]
        for value, measured in values.items()
    ]
    return markdown_table([f"`{column}`", "rows", *metrics], rows)


def _weak(weak: dict[str, Any], metrics: list[str]) -> list[str]:
    searched = f"{weak['searched']['slices']:,} slices of one or two conditions were searched on {weak['searched']['rows']:,} validation rows"
    if not weak["slices"]:
        return [f"None: {searched}, and in none does the model err more than elsewhere by more than chance explains."]
    rows = [
        [
            f"`{name}`",
            f"{figures['rows']:,}",
            _excess(figures.get("excess")),
            *(_figure(figures.get(of)) for of in metrics),
        ]
        for name, figures in weak["slices"].items()
    ]
    return [
        f"{searched}. In these the model errs more than elsewhere, by more than chance explains; the figures are of the test rows, which the search "
        "has not seen.",
        markdown_table(["slice", "rows", "excess loss (95% interval)", *metrics], rows),
    ]


def _excess(excess: dict[str, float] | None) -> str:
    return f"{excess['value']:+.4f} ({excess['low']:+.4f} to {excess['high']:+.4f})" if excess else ""


def _limits(params: Params, slices: dict[str, dict[str, dict[str, Any]]]) -> str:
    metric = "r2" if params.task == "regression" else "roc_auc"
    scores = [
        (measured[metric], f"{column} = {value}")
        for column, values in slices.items()
        for value, measured in values.items()
        if metric in measured
    ]
    lowest = [f"- The slice with the lowest `{metric}`: {min(scores)[1]} ({min(scores)[0]:.4f})."] if scores else []
    lines = [
        f"- It was trained on rows like those in `{params.data.raw}`. On rows unlike them its predictions are not reliable.",
        *lowest,
        "- It knows correlations only: that a column matters does not mean that changing it changes the outcome.",
    ]
    return "\n".join(lines)


def _figure(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4f}"
