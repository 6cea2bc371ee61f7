"""What the gate tells people: the verdict in one line, tables, remarks and next steps; `render.py` lays them out.

Standard library only: scripts/comment.py runs this without the project's environment.
"""

import datetime
from typing import Any

MAX_ROWS, MAX_SLICES = 20, 6
SHORT = 9  # digits of a commit
HEADER = ["metric", "base", "branch", "change", "95% interval", "limit", "status"]
SLICES = [name for name in HEADER if not name.startswith("95%")]  # slices have limits, and nothing to be unsure of
STEPS = {
    "pipeline": "run make repro to see all of it; all that breaks the contract is then in reports/validation_failed.json",
    "stale": "run make repro and commit what it writes: dvc.lock, metrics, plots and reports",
    "altered": "results are written by the pipeline alone: run dvc repro --force and commit what it writes",
    "uncommitted": "commit it (data: dvc add first), or go back to the commit with git stash and dvc checkout",
    "limit": "make the model better; or let a reviewer accept this for a while, by a pull request of its own that puts under exceptions in gates.yaml, in place of [] if there are none:",
}


def headline(content: dict[str, Any]) -> str:
    """Return the verdict in one line."""
    base = against(content)
    reasons = [reason["text"] for reason in content["reasons"]]
    if reasons:
        more = f"; and {len(reasons) - 1} more reason{'s' * (len(reasons) > 2)}" if len(reasons) > 1 else ""
        return f"FAIL against {base}: {reasons[0]}{more}"
    if unchanged(content):
        return f"PASS: nothing changed: metrics, parameters and data are those of {base}"
    parts = [f"PASS against {base}"]
    if not content["base"]["has_metrics"]:
        parts.append("no baseline: the base has no metrics, so only absolute limits were held against this branch")
    for status in ("within noise", "accepted"):
        names = [finding["name"] for finding in content["metrics"] + content["slices"] if finding["status"] == status]
        parts += [f"{status}: {', '.join(names[:MAX_ROWS])}"] if names else []
    return "; ".join(
        parts if len(parts) > 1 else [f"{parts[0]}: {len(content['metrics'])} metrics within their limits"]
    )


def unchanged(content: dict[str, Any]) -> bool:
    """Whether the branch passes and changes no metric, slice, parameter, dataset or judge."""
    moved = any(finding["change"] != 0 for finding in content["metrics"]) or _moved(content)
    data = content["data"]
    other = content["params"] or content["judges"] or data["base"] != data["branch"]
    return not (content["reasons"] or moved or other)


def tables(content: dict[str, Any]) -> list[tuple[str, list[list[str]]]]:
    """Every table that has rows: its title, and its rows, the header first."""
    moved = _moved(content)
    params = [
        (f"{file}: {name}" if file != "params.yaml" else name, change.get("old"), change.get("new"))
        for file, names in content["params"].items()
        for name, change in names.items()
    ]
    tables = [
        ("", HEADER, [_cells(finding) for finding in content["metrics"]]),
        ("Slices that moved most", SLICES, [_cells(finding, interval=False) for finding in moved]),
        (
            "Parameters that changed",
            ["parameter", "base", "branch"],
            [[str(cell) for cell in row] for row in params],
        ),
    ]
    found = []
    for title, header, rows in tables:
        if len(rows) > MAX_ROWS:
            rows = [*rows[:MAX_ROWS], [f"and {len(rows) - MAX_ROWS} more", *[""] * (len(header) - 1)]]
        found += [(title, [header, *rows])] if rows else []
    return found


def _moved(content: dict[str, Any]) -> list[dict[str, Any]]:
    """The slices to show: failures first, then by how far they moved."""
    shown = [finding for finding in content["slices"] if finding["status"] in ("FAIL", "accepted") or finding["change"]]
    return sorted(shown, key=lambda finding: (finding["status"] != "FAIL", -abs(finding["change"] or 0)))[:MAX_SLICES]


def remarks(content: dict[str, Any]) -> list[str]:
    """What the tables do not say."""
    lines = [
        finding["why"]
        for finding in content["metrics"] + content["slices"]
        if finding["status"] in ("within noise", "accepted")
    ]
    if content["metrics"] and not content["base"]["has_metrics"]:
        lines.append("Rule: no baseline, so only absolute limits apply")
    elif content["metrics"] and content["paired_rows"]:
        rows = f"{content['paired_rows']:,} test rows of both sides" + (
            f" ({content['unpaired']})" if content["unpaired"] else ""
        )
        lines.append(
            f"Rule: paired bootstrap on {rows}; a change for the worse beyond what is allowed fails if its interval lies wholly on the worse side"
        )
    elif content["metrics"]:
        lines.append(
            f"Rule: any change beyond what is allowed fails, without an interval, because {content['unpaired']}"
        )
    before, after = content["data"]["base"], content["data"]["branch"]
    if before["rows"] is None:
        lines.append(f"Data: {_rows(after)}")
    elif before == after:
        lines.append(f"Data: unchanged, {_rows(after)}")
    else:
        lines.append(f"Data: changed from {_rows(before)} to {_rows(after)}")
    if not any(reason["kind"] == "pipeline" for reason in content["reasons"]):
        lines.append(f"Data validation: all {after['checks']} checks of contract.yaml passed")
    if judges := content["judges"]:
        lines.append(
            f"This branch also changes {len(judges)} files that have a say in this verdict, so read them with care:"
        )
        lines += [f"{name[:80]}" for name in judges[:MAX_ROWS]]
        lines += [f"and {len(judges) - MAX_ROWS} more of them"] if len(judges) > MAX_ROWS else []
    if later := content["policy"]["later"]:
        lines.append(f"Under the gates.yaml of this branch it would FAIL: {'; '.join(later[:MAX_ROWS])}")
    if content["policy"]["of"] == "branch":
        lines.append("The base has no gates.yaml: the branch's own was applied")
    if content["branch"]["behind"]:
        lines.append(
            f"The base has {content['branch']['behind']} commits that this branch has not: merge them first, or they are compared as well"
        )
    return lines


def steps(content: dict[str, Any]) -> list[str]:
    """What to do about the reasons, in this order."""
    kinds = {reason["kind"] for reason in content["reasons"]}
    return [step for kind, step in STEPS.items() if kind in kinds]


def example(content: dict[str, Any]) -> list[str]:
    """The lines of gates.yaml that would accept what fails its limits as it is, for a reviewer to sign."""
    try:
        expires = datetime.date.fromisoformat(content["date"]) + datetime.timedelta(days=14)
    except ValueError:
        return []
    lines = []
    for finding in content["metrics"] + content["slices"]:
        if finding["status"] == "FAIL" and isinstance(finding["branch"], int | float):
            metric, _, part = finding["name"].rpartition(": ")[2].partition(" where ")
            rising = "rise" in finding["limit"] or finding["limit"].startswith("≤")
            bound = f"max: {finding['branch'] + 5e-5:.4f}" if rising else f"min: {finding['branch'] - 5e-5:.4f}"
            place = f", slice: {part}" if part else ""
            lines.append(
                f"- {{metric: {metric}{place}, {bound}, reason: (why), accepted_by: (who), expires: {expires}}}"
            )
    return lines[:MAX_ROWS]


def _cells(finding: dict[str, Any], interval: bool = True) -> list[str]:
    span = "" if finding["low"] is None else f"{finding['low']:+.4f} to {finding['high']:+.4f}"
    change = "" if finding["change"] is None else f"{finding['change']:+.4f}"
    figures = [_figure(finding["base"]), _figure(finding["branch"]), change, *([span] if interval else [])]
    return [finding["name"], *figures, finding["limit"], finding["status"]]


def _figure(value: Any) -> str:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return f"{value:.4f}" if number else "" if value is None else str(value)


def _rows(data: dict[str, Any]) -> str:
    if data["rows"] is None:
        return "not known"
    return f"{data['rows']:,} rows × {data['columns']} columns (DVC {str(data['md5'])[:SHORT]})"


def against(content: dict[str, Any]) -> str:
    revision, commit = content["base"]["revision"].removeprefix("refs/remotes/"), content["base"]["commit"]
    return commit[:SHORT] if commit.startswith(revision) else f"{revision} ({commit[:SHORT]})"
