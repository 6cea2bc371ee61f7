"""Whether the model is better than the trivial and the linear one, by as much as gates.yaml demands."""

from typing import Any

from lifecycle.core import config
from lifecycle.core.own_metrics import OwnMetrics, sign_of
from lifecycle.gate.check_result import FAIL, PASS, CheckResult, figure_of, finite_or_none, not_a_number
from lifecycle.gate.policy import Policy

ROUNDING = 1e-9
FILE = str(config.METRICS / "test.json")


def loss_of(task: str) -> str:
    """Return the metric in which a model must be better than the trivial one, whatever the policy."""
    return "rmse" if task == "regression" else "log_loss"


def check_baselines(
    policy: Policy, task: str, model: dict[str, Any], baselines: dict[str, Any], own: OwnMetrics | None = None
) -> list[CheckResult]:
    """Compare the model with the baselines, all on the branch's test rows.

    Args:
        policy: its `beats`, with the margins; better than trivial in log loss (regression: RMSE) is demanded in any case.
        task: of params.yaml.
        model: the metrics of the model on the test rows.
        baselines: metrics by baseline.
        own: the user's metrics.
    """
    loss = loss_of(task)
    demanded = {("trivial", loss): 0.0}
    for baseline, margins in policy.beats.items():
        demanded |= {(baseline, metric): margin for metric, margin in margins.items()}
    return [
        _check(metric, baseline, margin, model.get(metric), _of(baselines, baseline, metric), sign_of(metric, own))
        for (baseline, metric), margin in demanded.items()
    ]


def strongest(branch: dict[str, Any], base: dict[str, Any], own: OwnMetrics | None = None) -> dict[str, Any]:
    """Return the better figure of each baseline on two sides: a branch prepares the features of its linear model itself."""
    return {
        name: {
            metric: _better(sign_of(metric, own), value, _of(base, name, metric)) for metric, value in figures.items()
        }
        for name, figures in branch.items()
        if isinstance(figures, dict)
    }


def finite_figures(baselines: dict[str, Any]) -> dict[str, dict[str, float | None]]:
    """Return those figures of the baselines that are numbers; None in the place of any other."""
    return {
        name: {metric: finite_or_none(value) for metric, value in figures.items()}
        for name, figures in baselines.items()
        if isinstance(figures, dict)
    }


def _check(metric: str, baseline: str, margin: float, value: Any, figure: Any, sign: int) -> CheckResult:
    name = f"{metric} against the {baseline} model"
    limit = f"better than {baseline}" + (f" by {margin:g}" if margin else "")
    if problem := not_a_number(figure, "is missing, or null"):
        status, why = FAIL, f"{metric} of the {baseline} model {problem} ({config.BASELINES[baseline]})"
    elif problem := not_a_number(value, f"is missing from {FILE}, or null"):
        status, why = FAIL, f"{metric} {problem}, so it cannot be compared with the {baseline} model"
    else:
        gain = sign * (value - figure)
        status = PASS if gain > ROUNDING and gain >= margin - ROUNDING else FAIL
        why = "" if status == PASS else _too_little(metric, baseline, margin, value, figure, gain)
    return CheckResult(name, finite_or_none(figure), figure_of(value), limit, status, why)


def _too_little(metric: str, baseline: str, margin: float, value: float, figure: float, gain: float) -> str:
    if gain > ROUNDING:
        demand = (
            f"is better than that of the {baseline} model, {figure:.4f}, by only {gain:.4f}; {margin:g} is demanded"
        )
    else:
        demand = f"is no better than that of the {baseline} model, {figure:.4f}"
    return f"{metric} is {value:.4f}, which {demand}"


def _better(sign: int, branch: Any, base: Any) -> Any:
    if finite_or_none(base) is None or not_a_number(branch, "is missing"):
        return branch
    return (max if sign > 0 else min)(branch, base)


def _of(baselines: dict[str, Any], baseline: str, metric: str) -> Any:
    figures = baselines.get(baseline)
    return figures.get(metric) if isinstance(figures, dict) else None
