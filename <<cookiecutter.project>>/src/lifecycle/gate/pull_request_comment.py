"""The gate's report as Markdown for a pull request and as text for a terminal. Standard library only.

What it lays out may come from a pull request that nobody has read: it is cut to length and escaped, so that it can
neither mention people, nor link, nor draw.
"""

from typing import Any

from lifecycle.core.markdown import plain
from lifecycle.gate.report import MAX_ROWS, SHORT, against, example, headline, remarks, steps, tables, unchanged

MAX_TEXT = 600
MARKS = {"pass": "✅", "FAIL": "❌", "within noise": "〰️", "accepted": "☑️", "not judged": "➖"}


def markdown(content: dict[str, Any], run_url: str = "") -> str:
    """Return the verdict as a pull request comment; `run_url` is the workflow run whose artifacts hold the plots."""
    if "error" in content:
        return f"### ⚠️ Gate: could not decide\n\n{plain(content['error'])}\n"
    if unchanged(content):
        return f"### ✅ Gate: {plain(headline(content))}\n"
    reasons = content["reasons"]
    title = f"❌ Gate: FAIL against {against(content)}" if reasons else f"✅ Gate: {headline(content)}"
    lines = [f"### {plain(title)}", "", *(f"- {plain(reason['text'])}" for reason in reasons[:MAX_ROWS]), ""]
    for name, rows in tables(content):
        lines += [*([f"**{name}**", ""] if name else []), *_table(rows), ""]
    plots = (
        f"[in the artifacts of this run]({run_url}#artifacts)"
        if run_url
        else f"`dvc plots diff {plain(content['base']['commit'])[:SHORT]}`"
    )
    lines += [*(f"- {plain(line)}" for line in remarks(content)), f"- Plots of both sides: {plots}", ""]
    if change := content["policy"]["change"]:
        lines += ["<details><summary>The change to gates.yaml, which counts once it is merged</summary>", ""]
        lines += ["```diff", _fenced(change), "```", "</details>", ""]
    if reasons:
        lines += [
            "**What to do next**",
            "",
            *(f"{number}. {step}" for number, step in enumerate(steps(content), start=1)),
            "",
        ]
    if entry := example(content):
        lines += ["```yaml", *map(_fenced, entry), "```"]
    return "\n".join(lines).rstrip() + "\n"


def _table(rows: list[list[str]]) -> list[str]:
    """The lines of a table; the first row is its header, and a column of figures stands to the right."""
    cells = [[plain(cell) for cell in row] for row in rows]
    if rows[0][-1] == "status":
        cells[1:] = [[*row[:-1], f"{MARKS.get(row[-1], '')} {row[-1]}"] for row in cells[1:]]
    ruler = ["---:" if name in ("base", "branch", "change") else "---" for name in rows[0]]
    return [f"| {' | '.join(row)} |" for row in [cells[0], ruler, *cells[1:]]]


def _fenced(text: str) -> str:
    return text.replace("`", "'")[:4000]
