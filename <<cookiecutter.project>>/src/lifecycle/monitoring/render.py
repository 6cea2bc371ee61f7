"""A summary for people: on the terminal, and as Markdown."""

from typing import Any

Summary = dict[str, Any]


def terminal(summary: Summary) -> str:
    """Return what was found as tables of text."""
    lines = [headline(summary)]
    for title, header, rows in _tables(summary):
        cells = [header, *rows]
        widths = [max(len(row[place]) for row in cells) for place in range(len(header))]
        lines += ["", title] if title else [""]
        lines += ["  " + "  ".join(map(str.ljust, row, widths)).rstrip() for row in cells]
    return "\n".join([*lines, "", *_verdict(summary)]) + "\n"


def markdown(summary: Summary) -> str:
    """Return what was found as Markdown."""
    lines = [f"# Monitoring: {summary['status']}", "", headline(summary), "", *_verdict(summary, "- ")]
    for title, header, rows in _tables(summary):
        escaped = [[cell.replace("|", "\\|") for cell in row] for row in [header, ["---"] * len(header), *rows]]
        lines += ["", f"## {title}", "", *(f"| {' | '.join(row)} |" for row in escaped)]
    return "\n".join(lines) + "\n"


def headline(summary: Summary) -> str:
    """Return in one line what was looked at."""
    since, until = (summary["window"][name][:16].replace("T", " ") for name in ("since", "until"))
    said = f"{summary['model']} version {summary['version']}, {since} to {until} UTC: {summary['rows']:,} rows"
    said += f", {summary['labels']:,} with labels"
    if summary["compared"]["rows"]:
        said += f"; {summary['compared']['rows']:,} of them held against {summary['compared']['reference']:,} of the reference"
    if summary["other_versions"]:
        others = (f"{rows:,} of version {version}" for version, rows in summary["other_versions"].items())
        said += f"; not counted: {', '.join(others)}"
    return said + (f"; {summary['broken_lines']:,} lines cannot be read" if summary["broken_lines"] else "")


def _tables(summary: Summary) -> list[tuple[str, list[str], list[list[str]]]]:
    if not summary["columns"] and not summary["score"]:
        return []
    moved = [[one["name"], *_distance(one)] for one in summary["columns"]]
    moved.append([f"score: {summary['score']['name']}", *_distance(summary["score"])])
    found = [("Drift", ["column", "distance", "value", "threshold", "status"], moved)]
    if rows := [
        [one["check"], one["column"], f"{one['value']:.4g}", f"{one['limit']:.4g}", one["status"]]
        for one in summary["quality"]
    ]:
        found.append(("Data quality", ["check", "column", "value", "limit", "status"], rows))
    if rows := [
        [one["metric"], f"{one['value']:.4f}", f"{one['low']:.4f} to {one['high']:.4f}", one["limit"], one["status"]]
        for one in summary["performance"]
    ]:
        found.append(("Performance", ["metric", "value", "95% interval", "limit", "status"], rows))
    return found


def _distance(one: dict[str, Any]) -> list[str]:
    return [one["distance"], f"{one['value']:.4f}", f"{one['threshold']:.4f}", one["status"]]


def _verdict(summary: Summary, bullet: str = "") -> list[str]:
    alarms = sum(one["alarm"] for one in summary["history"])
    said = [f"{bullet}{reason}" for reason in summary["reasons"]]
    if summary["status"] == "healthy" and summary["alarms"]:
        said = [f"{bullet}{alarm}" for alarm in summary["alarms"]]
        said.append(f"{bullet}not believed yet: an alarm in {alarms} of the last {len(summary['history'])} windows")
        return [*said, f"{bullet}monitor: healthy, as long as that is not believed"]
    return [*said, f"{bullet}monitor: {summary['status']}"]
