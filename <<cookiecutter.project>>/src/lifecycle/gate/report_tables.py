"""The tables of the gate's report: titles, headers and cells as text.

Standard library only, as report.py.
"""

from typing import Any

from lifecycle.gate.report_cost import COST_HEADER, cost_rows

MAX_ROWS, MAX_SLICES = 20, 6
HEADER = ["metric", "base", "branch", "change", "95% interval", "limit", "status"]
BASELINES_HEADER = ["metric", "trivial", "linear", "branch", "demanded", "status"]
FAIRNESS_HEADER = ["metric", "lowest", "highest", "base", "branch", "95% interval", "limit", "status"]
WEAK_HEADER = ["slice", "test rows", "loss", "excess", "95% interval", "limit", "status"]
SLICES_HEADER = [name for name in HEADER if name != "95% interval"]  # only metrics of all rows have one


def tables(content: dict[str, Any]) -> list[tuple[str, list[str], list[list[str]]]]:
    """Return title, header and rows of every table that has rows."""
    params = [
        [
            f"{file}: {name}" if file != "params.yaml" else name,
            _parameter(change.get("old")),
            _parameter(change.get("new")),
        ]
        for file, names in content["params"].items()
        for name, change in names.items()
    ]
    every_table = [
        ("", HEADER, [_cells(result) for result in _measured(content)]),
        ("Baselines", BASELINES_HEADER, _baselines(content)),
        ("Slices that moved most", SLICES_HEADER, [_cells(slice_, False) for slice_ in moved_slices(content)]),
        ("Fairness: metrics between groups", FAIRNESS_HEADER, [_gap(result) for result in content.get("fairness", [])]),
        ("Weak slices", WEAK_HEADER, _weak_slices(content.get("weak_slices", {}))),
        ("Cost", COST_HEADER, cost_rows(content)),
        ("Parameters that changed", ["parameter", "base", "branch"], params),
    ]
    return [(title, header, _first(rows, len(header))) for title, header, rows in every_table if rows]


def moved_slices(content: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the slices to list: failures first, then by how far they moved."""
    moved = [result for result in content["slices"] if result["status"] in ("FAIL", "accepted") or result["change"]]
    return sorted(moved, key=lambda result: (result["status"] != "FAIL", -abs(result["change"] or 0)))[:MAX_SLICES]


def _measured(content: dict[str, Any]) -> list[dict[str, Any]]:
    """The metrics that have limits, then those of the user's that have none."""
    return [*content["metrics"], *content.get("own_metrics", {}).get("without_limit", [])]


def _baselines(content: dict[str, Any]) -> list[list[str]]:
    """A row per metric: the trivial model, the linear one, this one, and what is demanded of it."""
    compared = content.get("baselines", {})
    figures, checks = compared.get("figures", {}), compared.get("checks", [])
    branch = {result["name"]: result["branch"] for result in _measured(content)}
    of_metric: dict[str, list[dict[str, Any]]] = {}
    for name in (metric for values in figures.values() for metric in values):
        of_metric.setdefault(name, [])
    for check in checks:
        of_metric.setdefault(check["name"].partition(" against ")[0], []).append(check)
    rows = []
    for name, of_this in of_metric.items():
        if not of_this and name not in branch:
            continue  # neither limited nor demanded
        value = of_this[0]["branch"] if of_this else branch[name]
        sides = [_figure(figures.get(side, {}).get(name)) for side in ("trivial", "linear")]
        demanded = ", ".join(check["limit"] for check in of_this)
        status = ("FAIL" if any(check["status"] == "FAIL" for check in of_this) else "pass") if of_this else ""
        rows.append([name, *sides, _figure(value), demanded, status])
    return rows


def _gap(result: dict[str, Any]) -> list[str]:
    """A row of the fairness table; the interval is that of the branch's gap."""
    bounds = "" if result["low"] is None else f"{result['low']:.4f} to {result['high']:.4f}"
    sides = [result["lowest"], result["highest"], _figure(result["base"]), _figure(result["branch"])]
    return [result["name"], *sides, bounds, result["limit"], result["status"]]


def _weak_slices(weak: dict[str, Any]) -> list[list[str]]:
    """A row per weak slice, with the limits of its metrics; and one for each check that is of none of them."""
    checks, rows = weak.get("checks", []), []
    for name, figures in weak.get("slices", {}).items():
        of_this = [check for check in checks if check["name"].partition(" where ")[2] == name]
        excess = figures.get("excess") or {}
        bounds = f"{excess['low']:+.4f} to {excess['high']:+.4f}" if excess else ""
        limits = ", ".join(f"{check['name'].partition(' where ')[0]} {check['limit']}" for check in of_this)
        statuses = [check["status"] for check in of_this]
        status = "FAIL" if "FAIL" in statuses else next(iter(statuses), "")
        value = f"{excess['value']:+.4f}" if excess else ""
        count = "" if figures.get("rows") is None else f"{figures['rows']:,}"
        rows.append([name, count, _figure(figures.get("loss")), value, bounds, limits, status])
    of_none = [check for check in checks if " where " not in check["name"]]
    return rows + [[check["name"], "", "", "", "", check["limit"], check["status"]] for check in of_none]


def _first(rows: list[list[str]], columns: int) -> list[list[str]]:
    """As many rows as a table may have, and how many more there are."""
    more = [f"and {len(rows) - MAX_ROWS} more", *[""] * (columns - 1)]
    return rows if len(rows) <= MAX_ROWS else [*rows[:MAX_ROWS], more]


def _cells(result: dict[str, Any], interval: bool = True) -> list[str]:
    bounds = "" if result["low"] is None else f"{result['low']:+.4f} to {result['high']:+.4f}"
    change = "" if result["change"] is None else f"{result['change']:+.4f}"
    figures = [_figure(result["base"]), _figure(result["branch"]), change, *([bounds] if interval else [])]
    return [result["name"], *figures, result["limit"], result["status"]]


def _figure(value: Any) -> str:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return f"{value:.4f}" if number else "" if value is None else str(value)


def _parameter(value: Any) -> str:
    return "" if value is None else str(value)
