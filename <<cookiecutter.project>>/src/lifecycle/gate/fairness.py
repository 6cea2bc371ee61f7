"""How far metrics differ between groups of test rows: the rows with each value of a column."""

import datetime
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from lifecycle.core import config, metrics
from lifecycle.core.errors import ConfigError
from lifecycle.core.files import read_parquet
from lifecycle.core.metrics import MeasureOf
from lifecycle.gate.accepted_regressions import apply_exceptions
from lifecycle.gate.check_result import FAIL, NOT_JUDGED, PASS, CheckResult, finite_or_none, not_a_number
from lifecycle.gate.exemption import Exemption
from lifecycle.gate.policy import Policy

RESAMPLES, MANY_ROWS = 500, 20_000  # fewer resamples of more rows, down to FEWEST
FEWEST = 100
ROUNDING = 1e-9

Groups = dict[str, dict[str, Any]]
"""Value of a column → `rows` and metrics, as metrics/slices.json has them."""


@dataclass(frozen=True)
class GapResult(CheckResult):
    """The gap of a metric between two groups. `low` and `high` are the interval of the branch's gap, not of its change."""

    kind: str = ""
    """`difference` or `ratio`."""
    column: str = ""
    metric: str = ""
    lowest: str = ""
    """The group with the lowest value of the metric."""
    highest: str = ""


def check_fairness(
    policy: Policy, base: dict[str, Groups], branch: dict[str, Groups], of: str, today: datetime.date
) -> list[GapResult]:
    """Check the gaps between the groups of each column.

    Groups of fewer than `min_rows` rows on both sides are not judged, nor is a column with fewer than two that are. A group
    that the base has and the branch does not fails.

    Args:
        policy: the limits, and the exceptions from them.
        base: metrics/slices.json of the base.
        branch: that of the branch.
        of: whose policy it is, for the error.
        today: the day on which exceptions must still hold.

    Raises ConfigError if neither side has slices of a column.
    """
    results = list[GapResult]()
    if policy.fairness is None:
        return results
    for column, gaps in policy.fairness.columns.items():
        before, after = base.get(column, {}), branch.get(column, {})
        if not before and not after:
            raise ConfigError(
                f"{config.GATES} of the {of}: fairness names {column!r}, which has no slices on either side: add it to evaluate.slices in params.yaml"
            )
        for metric, gap in gaps.items():
            old, new = (_figures(metric, side, before, after, policy.fairness.min_rows) for side in (before, after))
            for kind, limit in {"difference": gap.max_difference, "ratio": gap.min_ratio}.items():
                if limit is not None:
                    result = _check(column, metric, kind, limit, old, new)
                    exemptions = _exemptions(policy, kind)
                    results.append(apply_exceptions(result, exemptions, metric, [("fairness", column)], today))
    return results


def with_intervals(results: list[GapResult], folder: Path, own: MeasureOf | None = None) -> list[GapResult]:
    """Add the 95% interval of each gap, between the same two groups in every resample of rows (percentile bootstrap).

    `folder` is a checkout of the branch with its test rows and what its model predicts for them; `own` measures the user's metrics.
    """
    if not any(result.highest for result in results):
        return results
    params = config.load(folder / config.PARAMS)
    test = read_parquet(folder / config.FEATURES / "test.parquet")
    results_with_groups = [result for result in results if result.highest and result.column in test]
    predictions = read_parquet(folder / config.PREDICTIONS)
    rows = {
        key: np.flatnonzero((test[key[0]].astype(str) == key[1]).to_numpy())
        for result in results_with_groups
        for key in ((result.column, result.lowest), (result.column, result.highest))
    }
    measures = {
        key: metrics.measure(test[params.data.target].iloc[positions], predictions.iloc[positions], params, own)
        for key, positions in rows.items()
    }

    def gaps(weights: np.ndarray) -> dict[str, float]:
        values = {key: measure(weights[rows[key]]) for key, measure in measures.items()}
        return {
            result.name: _gap(
                result.kind,
                values[result.column, result.lowest].get(result.metric, np.nan),
                values[result.column, result.highest].get(result.metric, np.nan),
            )
            for result in results_with_groups
        }

    resamples = int(np.clip(RESAMPLES * MANY_ROWS / len(test), FEWEST, RESAMPLES))
    bounds = metrics.intervals(gaps, len(test), resamples, params.seed)
    nothing = {"low": None, "high": None}
    ends = [bounds.get(result.name, nothing) for result in results]
    return [replace(result, low=end["low"], high=end["high"]) for result, end in zip(results, ends, strict=True)]


def _exemptions(policy: Policy, kind: str) -> list[Exemption]:
    """The exceptions from limits of gaps of one kind, with the accepted gap as their range."""
    if kind == "difference":
        of_kind = [exemption for exemption in policy.exceptions if exemption.max_difference is not None]
        return [exemption.model_copy(update={"max": exemption.max_difference}) for exemption in of_kind]
    of_kind = [exemption for exemption in policy.exceptions if exemption.min_ratio is not None]
    return [exemption.model_copy(update={"min": exemption.min_ratio}) for exemption in of_kind]


def _figures(metric: str, side: Groups, base: Groups, branch: Groups, min_rows: int) -> dict[str, Any]:
    """The metric of each group that has enough rows on one of the two sides: none escapes by losing rows."""
    judged = [
        value
        for value in base | branch
        if max(groups.get(value, {}).get("rows") or 0 for groups in (base, branch)) >= min_rows
    ]
    defined = [value for value in judged if any(metric in groups.get(value, {}) for groups in (base, branch))]
    return {value: side.get(value, {}).get(metric) for value in defined}


def _check(column: str, metric: str, kind: str, limit: float, old: dict[str, Any], new: dict[str, Any]) -> GapResult:
    name = f"{metric} by {column}: {kind}"
    described = f"≤ {limit:g}" if kind == "difference" else f"≥ {limit:g}"
    result = GapResult(name, None, None, described, PASS, "", kind=kind, column=column, metric=metric)
    if len(new) < 2:
        return replace(result, status=NOT_JUDGED, why=f"{name} needs two groups of enough rows")
    for value, figure in new.items():
        if problem := not_a_number(figure, "is gone, or not defined"):
            return replace(result, status=FAIL, why=f"{name}: {metric} where {column}={value} {problem}")
    base = [figure for value in old if (figure := finite_or_none(old[value])) is not None]
    lowest, highest = min(new, key=lambda value: new[value]), max(new, key=lambda value: new[value])
    gap = _gap(kind, new[lowest], new[highest])
    result = replace(result, branch=round(gap, 6), lowest=lowest, highest=highest)
    if len(base) == len(old):
        result = replace(result, base=round(_gap(kind, min(base), max(base)), 6))
        result = replace(result, change=round(result.branch - (result.base or 0), 6))
    broken = gap > limit + ROUNDING if kind == "difference" else gap < limit - ROUNDING
    if not broken:
        return result
    groups = f"{new[lowest]:.4f} where {column}={lowest} and {new[highest]:.4f} where {column}={highest}"
    return replace(result, status=FAIL, why=f"{name} is {gap:.4f}, {described} is demanded ({groups})")


def _gap(kind: str, lowest: float, highest: float) -> float:
    """The difference or the ratio of two figures; the ratio of two zeros is 1."""
    if kind == "difference":
        return highest - lowest
    return lowest / highest if highest else 1.0
