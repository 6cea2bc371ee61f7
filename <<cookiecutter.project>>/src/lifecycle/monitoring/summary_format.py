"""A summary for people: on the terminal, and as Markdown."""

from lifecycle.core.tables import markdown_table, text_table
from lifecycle.monitoring.drift import ColumnDrift
from lifecycle.monitoring.summary import Summary
from lifecycle.prediction_log.private_columns import describe

Table = tuple[str, list[str], list[list[str]]]
"""Title, header and rows."""


def terminal(summary: Summary) -> str:
    """Return a summary as tables of text."""
    lines = [headline(summary), *unsaid(summary)]
    for title, header, rows in _tables(summary):
        lines += ["", title, *(f"  {line}" for line in text_table(header, rows).splitlines())]
    return "\n".join([*lines, "", *_status(summary)]) + "\n"


def markdown(summary: Summary) -> str:
    """Return a summary as Markdown."""
    lines = [f"# Monitoring: {summary.status}", "", headline(summary), ""]
    lines += [f"- {line}" for line in [*unsaid(summary), *_status(summary)]]
    for title, header, rows in _tables(summary):
        lines += ["", f"## {title}", "", markdown_table(header, rows)]
    return "\n".join(lines) + "\n"


def headline(summary: Summary) -> str:
    """Return in one line which window was read, and what it holds."""
    since, until = (f"{time:%Y-%m-%d %H:%M}" for time in (summary.window.since, summary.window.until))
    line = f"{summary.model} version {summary.version}, {since} to {until} UTC: {summary.rows:,} rows"
    line += f" of {summary.log}" if summary.is_table else ""
    line += f", {summary.labels:,} with labels"
    if summary.compared["rows"]:
        line += (
            f"; {summary.compared['rows']:,} of them compared with {summary.compared['reference']:,} of the reference"
        )
    if summary.refused_rows:
        line += f"; {summary.refused_rows:,} rows were refused"
    if summary.other_versions:
        others = (f"{rows:,} of version {version}" for version, rows in summary.other_versions.items())
        line += f"; not counted: {', '.join(others)}"
    return line + (f"; {summary.broken_lines:,} lines cannot be read" if summary.broken_lines else "")


def unsaid(summary: Summary) -> list[str]:
    """Return what the window says nothing of, a line each, so that nobody takes it for healthy."""
    private = [f"not compared, as the log does not have them: {describe(summary.private)}"] if summary.private else []
    return [*private, *summary.notes]


def _tables(summary: Summary) -> list[Table]:
    tables: list[Table] = []
    if summary.score:
        distances = [_distance(column.name, column) for column in summary.columns]
        distances.append(_distance(f"score: {summary.score.name}", summary.score))
        tables.append(("Drift", ["column", "distance", "value", "threshold", "status"], distances))
    findings = [
        [finding.check, finding.column, f"{finding.value:.4g}", f"{finding.limit:.4g}", finding.status]
        for finding in summary.quality
    ]
    if findings:
        tables.append(("Data quality", ["check", "column", "value", "limit", "status"], findings))
    refused = [
        [reason.column or "-", reason.rule, reason.value or "-", f"{reason.rows:,}"] for reason in summary.refused
    ]
    if refused:
        tables.append(("Refused", ["column", "rule", "value", "rows"], refused))
    for title, metrics in (("Performance", summary.performance), (_estimated(summary), summary.estimated)):
        cells = [
            [
                metric.metric,
                f"{metric.value:.4f}",
                f"{metric.low:.4f} to {metric.high:.4f}",
                metric.limit,
                metric.status,
            ]
            for metric in metrics
        ]
        if cells:
            tables.append((title, ["metric", "value", "95% interval", "limit", "status"], cells))
    return tables


def _estimated(summary: Summary) -> str:
    """The title of the estimates, which says what they rest on."""
    corrected = "corrected by the reference, on which they are off" if summary.corrected else "taken as calibrated"
    return f"Performance, estimated without labels (probabilities {corrected}; concept drift is not seen)"


def _distance(name: str, column: ColumnDrift) -> list[str]:
    return [name, column.distance, f"{column.value:.4f}", f"{column.threshold:.4f}", column.status]


def _status(summary: Summary) -> list[str]:
    age = [summary.age.line] if summary.age else []
    if summary.status == "healthy" and summary.alarms:
        count = sum(window.alarm for window in summary.history)
        more = f"not enough to act: an alarm in {count} of the last {len(summary.history)} windows"
        return [*summary.alarms, more, *age, "monitor: healthy"]
    return [*summary.reasons, *age, f"monitor: {summary.status}"]
