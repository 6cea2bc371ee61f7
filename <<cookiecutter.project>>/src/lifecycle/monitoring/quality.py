"""Is the data of a window sound: nothing missing that was there, no strangers, nothing that breaks the contract?"""

import math
from pathlib import Path
from statistics import NormalDist
from typing import Any

import pandas as pd
from pydantic import ValidationError

from lifecycle.core import contract
from lifecycle.core.config import Params
from lifecycle.core.reference import INPUTS
from lifecycle.core.row_model import record_model
from lifecycle.monitoring.distances import EMPTY, FEW, texts
from lifecycle.monitoring.settings import Quality

OK, ALARM = "ok", "alarm"

Finding = dict[str, Any]
"""`check`, `column`, `value`, `limit` and `status`."""


def judge(
    reference: pd.DataFrame, window: pd.DataFrame, version: Path, settings: Quality, rate: float, params: Params
) -> list[Finding]:
    """Return the alarms, and then, of what is allowed, the shares that are more than none.

    Args:
        reference, window: rows with columns `inputs.<name>`.
        version: the folder of the version that answered, with its contract.yaml.
        rate: the share of sound windows in which chance may raise an alarm. It is divided among the checks (Bonferroni).
    """
    names = [str(name).removeprefix(INPUTS) for name in reference if str(name).startswith(INPUTS)]
    schema = contract.load(version / "contract.yaml", params.package)
    means = [
        (check, column) for column in names for check in schema.columns[column].checks if check.name == "mean_between"
    ]
    deviations = NormalDist().inv_cdf(1 - rate / (3 * len(names) + len(means)))
    found = []
    for name in names:
        before, now = reference[f"{INPUTS}{name}"], window[f"{INPUTS}{name}"]
        found.append(_nulls(name, before, now, settings.nulls, deviations))
        if before.nunique() <= FEW or not pd.api.types.is_float_dtype(before.dtype):
            found.append(_unseen(name, texts(before), texts(now), settings.unseen, deviations))
        found.append(_constant(name, before, now, rate / (3 * len(names))))
    found += [_mean(name, window[f"{INPUTS}{name}"].dropna(), check.statistics, deviations) for check, name in means]
    found += _invalid(window, names, record_model(schema, params), settings.invalid)
    said = [one for one in found if one["status"] == ALARM or (one["value"] and one["check"] != "mean_between")]
    return sorted(said, key=lambda one: one["status"])


def finding(check: str, column: str, value: float, limit: float, wrong: bool) -> Finding:
    status = ALARM if wrong else OK
    return {"check": check, "column": column, "value": round(value, 6), "limit": round(limit, 6), "status": status}


def _nulls(name: str, before: pd.Series, now: pd.Series, allowed: float, deviations: float) -> Finding:
    return _rise("nulls", name, before.isna().mean(), len(before), now.isna(), allowed, deviations)


def _unseen(name: str, before: pd.Series, now: pd.Series, allowed: float, deviations: float) -> Finding:
    """Categories that the reference lacks. How many of those are to be expected it says itself: its share of rows whose
    category appears once (Good, The population frequencies of species, 1953)."""
    counts = before.value_counts()
    expected = float((counts == 1).sum()) / len(before)
    strange = ~now.isin({*counts.index, EMPTY})
    return _rise("unseen", name, expected, len(before), strange, allowed, deviations)


def _rise(
    check: str, name: str, expected: float, rows: int, now: pd.Series, allowed: float, deviations: float
) -> Finding:
    """A share of rows that may rise by what is allowed, or by what chance explains (normal approximation), if that is more."""
    share = min(max(expected, 1 / rows), 1 - 1 / rows)
    chance = deviations * math.sqrt(share * (1 - share) * (1 / rows + 1 / len(now)))
    limit = expected + max(allowed, chance)
    return finding(check, name, now.mean(), limit, bool(now.mean() > limit))


def _constant(name: str, before: pd.Series, now: pd.Series, rate: float) -> Finding:
    """One value where the reference has several; if chance would hardly leave it at that."""
    usual = before.value_counts(normalize=True, dropna=False)
    constant = len(usual) > 1 and now.nunique(dropna=False) == 1 and usual.iloc[0] ** len(now) < rate
    return finding("constant", name, float(constant), 0.0, constant)


def _mean(name: str, now: pd.Series, bounds: dict[str, Any], deviations: float) -> Finding:
    """The contract's bounds of a column's mean, which a small window may miss by chance."""
    mean = float(now.mean()) if len(now) else 0.0
    chance = deviations * float(now.std()) / math.sqrt(len(now)) if len(now) > 1 else math.inf
    low, high = float(bounds["min_value"]), float(bounds["max_value"])
    nearest = low if mean < (low + high) / 2 else high
    wrong = mean < low - chance or mean > high + chance
    return finding("mean_between", name, mean, nearest, wrong)


def _invalid(window: pd.DataFrame, names: list[str], record: Any, allowed: float) -> list[Finding]:
    """Values that a server with this contract would have refused."""
    broken: dict[str, int] = {}
    table = window[[f"{INPUTS}{name}" for name in names]].astype(object)
    for row in table.where(table.notna(), None).itertuples(index=False):
        try:
            record.model_validate(dict(zip(names, map(_plain, row), strict=True)))
        except ValidationError as error:
            for name in {str(part["loc"][0]) for part in error.errors() if part["loc"]}:
                broken[name] = broken.get(name, 0) + 1
    shares = {name: count / len(window) for name, count in broken.items()}
    return [finding("invalid", name, share, allowed, share > allowed) for name, share in shares.items()]


def _plain(value: Any) -> Any:
    """A whole number as one: the log is read as if all numbers had a fraction."""
    return int(value) if isinstance(value, float) and value.is_integer() else value
