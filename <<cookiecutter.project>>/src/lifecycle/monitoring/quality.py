"""Data quality of a window: missing values, unseen categories, constant columns, and values that break the contract."""

import math
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist
from typing import Any

import pandas as pd
from pydantic import ValidationError

from lifecycle.core import contract
from lifecycle.core.config import Params
from lifecycle.core.reference import INPUTS
from lifecycle.core.row_model import record_model
from lifecycle.monitoring.distances import EMPTY, FEW_VALUES, texts
from lifecycle.monitoring.settings import Quality

OK, ALARM = "ok", "alarm"
REFUSED, UNREADABLE = "refused", "unreadable"
SHARES = ("nulls", "unseen", "invalid", UNREADABLE, REFUSED)  # checks whose value and limit are shares of the rows


@dataclass(frozen=True)
class QualityFinding:
    """A check of a column, and its limit, as a summary has them."""

    check: str
    column: str
    value: float
    limit: float
    status: str


def check(
    reference: pd.DataFrame, window: pd.DataFrame, version: Path, settings: Quality, rate: float, params: Params
) -> list[QualityFinding]:
    """Return the alarms, and then the shares that are within their limit but not zero.

    Args:
        reference, window: rows with columns `inputs.<name>`.
        version: the folder of the version that answered, with its contract.yaml.
        settings: the limits.
        rate: the share of windows without any fault in which chance may raise an alarm. It is divided among the checks (Bonferroni).
        params: the version's.
    """
    names = [str(name).removeprefix(INPUTS) for name in reference if str(name).startswith(INPUTS)]
    if not names:
        return []
    schema = contract.load(version / "contract.yaml", params.package)
    means = [
        (column, rule.statistics)
        for column in names
        for rule in schema.columns[column].checks
        if rule.name == "mean_between"
    ]
    deviations = NormalDist().inv_cdf(1 - rate / (3 * len(names) + len(means)))
    findings = []
    for name in names:
        before, now = reference[f"{INPUTS}{name}"], window[f"{INPUTS}{name}"]
        findings.append(_nulls(name, before, now, settings.nulls, deviations))
        if before.nunique() <= FEW_VALUES or not pd.api.types.is_float_dtype(before.dtype):
            findings.append(_unseen(name, texts(before), texts(now), settings.unseen, deviations))
        findings.append(_constant(name, before, now, rate / (3 * len(names))))
    findings += [_mean(name, window[f"{INPUTS}{name}"].dropna(), bounds, deviations) for name, bounds in means]
    findings += _invalid(window, names, record_model(schema, params), settings.invalid)
    reported = [row for row in findings if row.status == ALARM or (row.value and row.check != "mean_between")]
    return sorted(reported, key=lambda row: row.status)


def of_the_log(rows: int, refused: int, broken: int, settings: Quality) -> list[QualityFinding]:
    """Return the shares of what cannot be compared: rows that servers refused, and lines that cannot be read.

    Args:
        rows: that were answered.
        refused: rows that were not.
        broken: lines.
        settings: the limits.
    """
    counts = (
        (REFUSED, "(rows that were sent)", refused, settings.refused),
        (UNREADABLE, "(lines of the log)", broken, settings.unreadable),
    )
    shares = [(check, name, count / (rows + count), limit) for check, name, count, limit in counts if count]
    return [finding(check, name, share, limit, share > limit) for check, name, share, limit in shares]


def finding(check: str, column: str, value: float, limit: float, alarm: bool) -> QualityFinding:
    return QualityFinding(check, column, round(float(value), 6), round(float(limit), 6), ALARM if alarm else OK)


def _nulls(name: str, before: pd.Series, now: pd.Series, allowed: float, deviations: float) -> QualityFinding:
    return _rise("nulls", name, before.isna().mean(), len(before), now.isna(), allowed, deviations)


def _unseen(name: str, before: pd.Series, now: pd.Series, allowed: float, deviations: float) -> QualityFinding:
    """Categories that the reference lacks. The expected share of such rows is its share of rows whose category appears
    once (Good, The population frequencies of species, 1953)."""
    counts = before.value_counts()
    expected = float((counts == 1).sum()) / len(before)
    unseen = ~now.isin({*counts.index, EMPTY})
    return _rise("unseen", name, expected, len(before), unseen, allowed, deviations)


def _rise(
    check: str, name: str, expected: float, rows: int, now: pd.Series, allowed: float, deviations: float
) -> QualityFinding:
    """A share of rows, which may rise by the limit or by what chance explains (normal approximation), whichever is more."""
    share = min(max(expected, 1 / rows), 1 - 1 / rows)
    chance = deviations * math.sqrt(share * (1 - share) * (1 / rows + 1 / len(now)))
    limit = expected + max(allowed, chance)
    return finding(check, name, now.mean(), limit, bool(now.mean() > limit))


def _constant(name: str, before: pd.Series, now: pd.Series, rate: float) -> QualityFinding:
    """A single value where the reference has several, unless chance explains that."""
    shares = before.value_counts(normalize=True, dropna=False)
    constant = len(shares) > 1 and now.nunique(dropna=False) == 1 and shares.iloc[0] ** len(now) < rate
    return finding("constant", name, float(constant), 0.0, bool(constant))


def _mean(name: str, now: pd.Series, bounds: dict[str, Any], deviations: float) -> QualityFinding:
    """The contract's bounds of a column's mean, which a small window may exceed by chance."""
    mean = float(now.mean()) if len(now) else 0.0
    chance = deviations * float(now.std()) / math.sqrt(len(now)) if len(now) > 1 else math.inf
    low, high = float(bounds["min_value"]), float(bounds["max_value"])
    nearest = low if mean < (low + high) / 2 else high
    outside = mean < low - chance or mean > high + chance
    return finding("mean_between", name, mean, nearest, outside)


def _invalid(window: pd.DataFrame, names: list[str], record: Any, allowed: float) -> list[QualityFinding]:
    """Values that a server with this contract refuses."""
    broken: dict[str, int] = {}
    table = window[[f"{INPUTS}{name}" for name in names]].astype(object)
    for row in table.where(table.notna(), None).itertuples(index=False):
        try:
            record.model_validate(dict(zip(names, map(_plain, row), strict=True)))
        except ValidationError as error:
            for name in {str(item["loc"][0]) for item in error.errors() if item["loc"]} & set(names):
                broken[name] = broken.get(name, 0) + 1
    shares = {name: count / len(window) for name, count in broken.items()}
    return [finding("invalid", name, share, allowed, share > allowed) for name, share in shares.items()]


def _plain(value: Any) -> Any:
    """A whole number as an integer: the log is read as if all numbers had a fraction."""
    return int(value) if isinstance(value, float) and value.is_integer() else value
