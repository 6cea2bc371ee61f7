"""The gate's report as text for a terminal."""

from typing import Any

from lifecycle.core.markdown import printable
from lifecycle.gate.report import example, headline, remarks, steps, tables, unchanged


def terminal(content: dict[str, Any]) -> str:
    """Return the verdict as plain text."""
    lines = [f"gate: {headline(content)}"]
    if not unchanged(content):
        for title, rows in tables(content):
            widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
            lines += ["", *([title] if title else [])]
            lines += ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
        lines += [
            "",
            *(f"- {line}" for line in [reason["text"] for reason in content["reasons"][1:]] + remarks(content)),
        ]
        lines += [f"{number}. {step}" for number, step in enumerate(steps(content), start=1)]
        lines += [f"    {line}" for line in example(content)]
    return "\n".join(printable(line).rstrip() for line in lines) + "\n"
