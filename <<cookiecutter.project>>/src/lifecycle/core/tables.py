"""The one way in which reports print tables: as Markdown, and as text for a terminal."""

import re
from collections.abc import Sequence
from typing import Literal

RULERS = {"left": "---", "right": "---:"}


def markdown_table(
    header: Sequence[str], rows: Sequence[Sequence[str]], align: Sequence[Literal["left", "right"]] | None = None
) -> str:
    """Return a table as Markdown, without a line break at the end.

    Standard library only: scripts/post_pull_request_comment.py runs this without the project's environment.

    Args:
        header: the names of the columns.
        rows: cells as Markdown; a bar or a line break in one does not end it.
        align: `left` or `right` per column; all to the left if None.
    """
    ruler = [RULERS[side] for side in align or ["left"] * len(header)]
    lines = [[_cell(text) for text in header], ruler, *([_cell(text) for text in row] for row in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def text_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table as text in columns of equal width, without a line break at the end."""
    from tabulate import tabulate

    return str(tabulate([header, *rows], tablefmt="plain", disable_numparse=True))


def figure(value: float) -> str:
    """Return a number with four significant digits; a thousand and more without decimals."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _cell(text: str) -> str:
    return re.sub(r"(?<!\\)\|", r"\\|", " ".join(text.splitlines()))
