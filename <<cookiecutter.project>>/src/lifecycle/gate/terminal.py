"""The gate's report as text for a terminal."""

from typing import Any

from lifecycle.core.markdown import printable
from lifecycle.core.tables import text_table
from lifecycle.gate.report import headline, next_steps, remarks, unchanged
from lifecycle.gate.report_comparison import preface
from lifecycle.gate.report_exceptions import example
from lifecycle.gate.report_tables import tables
from lifecycle.gate.several_reports import terminal_of_all


def terminal(content: dict[str, Any]) -> str:
    """Return the verdict as plain text."""
    if "models" in content:
        return terminal_of_all(content, terminal)
    lines = [printable(f"gate: {headline(content)}")]
    lines += [printable(f"- {line}") for line in preface(content)]
    if not unchanged(content):
        for title, header, rows in tables(content):
            table = text_table(header, [[printable(cell) for cell in row] for row in rows])
            lines += ["", *([title] if title else []), *table.splitlines()]
        reasons = [reason["text"] for reason in content["reasons"][1:]]
        lines += ["", *(printable(f"- {line}") for line in reasons + remarks(content))]
        lines += [f"{number}. {step}" for number, step in enumerate(next_steps(content), start=1)]
        lines += [printable(f"    {line}") for line in example(content)]
    return "\n".join(line.rstrip() for line in lines) + "\n"
