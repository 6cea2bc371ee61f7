"""The gate's report as Markdown for a pull request.

Standard library only: scripts/post_pull_request_comment.py runs this without the project's environment. The content may come from a pull
request that nobody has read: it is cut to length and escaped, so that it can neither mention people, nor link, nor draw.
"""

from typing import Any

from lifecycle.core.markdown import plain
from lifecycle.core.tables import markdown_table
from lifecycle.gate.report import (
    base_name,
    headline,
    next_steps,
    remarks,
    unchanged,
)
from lifecycle.gate.report_comparison import SHORT, preface
from lifecycle.gate.report_exceptions import example
from lifecycle.gate.report_plots import charts
from lifecycle.gate.report_tables import MAX_ROWS, tables
from lifecycle.gate.several_reports import markdown_of_all

MAX_FENCED = 4000  # characters
MARKS = {"pass": "✅", "FAIL": "❌", "within noise": "〰️", "accepted": "☑️", "not judged": "➖"}
FIGURES = (
    "base",
    "branch",
    "change",
    "trivial",
    "linear",
    "test rows",
    "loss",
    "excess",
    "ratio",
)  # columns to align to the right


def markdown(content: dict[str, Any], run_url: str = "") -> str:
    """Return the verdict as a pull request comment; `run_url` is the workflow run whose artifacts hold the plots."""
    if "models" in content:
        return markdown_of_all(content, lambda one: _of_one(one, run_url))
    return _of_one(content, run_url)


def _of_one(content: dict[str, Any], run_url: str) -> str:
    """The verdict on one model."""
    if "error" in content:
        return f"### ⚠️ Gate: no verdict\n\n{plain(content['error'])}\n"
    noted = ["", *(f"- {plain(line)}" for line in preface(content))] if preface(content) else []
    if unchanged(content):
        return "\n".join([f"### ✅ Gate: {plain(headline(content))}", *noted]) + "\n"
    reasons = content["reasons"]
    title = f"❌ Gate: FAIL against {base_name(content)}" if reasons else f"✅ Gate: {headline(content)}"
    lines = [f"### {plain(title)}", *noted, "", *(f"- {plain(reason['text'])}" for reason in reasons[:MAX_ROWS]), ""]
    every_table = tables(content)
    lines += [line for name, header, rows in every_table if not name for line in (_table(header, rows), "")]
    if reasons:
        steps = (f"{number}. {step}" for number, step in enumerate(next_steps(content), start=1))
        lines += ["**What to do next**", "", *steps, ""]
    if entry := example(content):
        lines += ["```yaml", *map(_fenced, entry), "```", ""]
    if run_url:
        plots = f"[in the artifacts of this run]({run_url}#artifacts)"
    else:
        plots = f"`dvc plots diff {plain(content['base']['commit'])[:SHORT]}`"
    lines += [*(f"- {plain(line)}" for line in remarks(content)), f"- Plots of both sides: {plots}", ""]
    for name, header, rows in every_table:
        failed = any(row[-1] == "FAIL" for row in rows)
        lines += _folded(name, [_table(header, rows)], failed) if name else []
    if drawn := charts(content):
        lines += _folded("Plots of both sides: the base in pale colours, the branch in strong ones", drawn)
    if change := content["policy"]["change"]:
        since = "is applied here already" if content["policy"]["of"] == "branch" else "applies once it is merged"
        lines += _folded(f"The change to gates.yaml, which {since}", ["```diff", _fenced(change), "```"])
    return "\n".join(lines).rstrip() + "\n"


def _folded(summary: str, lines: list[str], unfolded: bool = False) -> list[str]:
    """Lines behind a summary that a click opens."""
    return [f"<details{' open' if unfolded else ''}><summary>{summary}</summary>", "", *lines, "", "</details>", ""]


def _table(header: list[str], rows: list[list[str]]) -> str:
    """A table of escaped cells, with a mark before each status."""
    cells = [[plain(cell) for cell in row] for row in rows]
    if header[-1] == "status":
        cells = [[*row[:-1], f"{MARKS.get(row[-1], '')} {row[-1]}".strip()] for row in cells]
    return markdown_table(header, cells, ["right" if name in FIGURES else "left" for name in header])


def _fenced(text: str) -> str:
    return text.replace("`", "'")[:MAX_FENCED]
