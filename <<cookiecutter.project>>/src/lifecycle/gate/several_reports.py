"""The report on several models: a line with all verdicts, then the report on each.

Standard library only, as report.py.
"""

from collections.abc import Callable
from typing import Any

from lifecycle.core.markdown import counted, plain, printable

WORDS = {"pass": "PASS", "fail": "FAIL"}
MARKS = {"PASS": "✅", "FAIL": "❌"}
UNDECIDED = "no verdict"

Layout = Callable[[dict[str, Any]], str]
"""The report on one model."""


def headline_of_all(content: dict[str, Any]) -> str:
    """Return all verdicts in one line."""
    models = content["models"]
    verdicts = ", ".join(f"{model} {_word(one)}" for model, one in models.items())
    return f"{_word(content)}: {counted(len(models), 'model')} judged: {verdicts}"


def terminal_of_all(content: dict[str, Any], layout: Layout) -> str:
    """Return the report as plain text; `layout` is that of one model."""
    sections = [printable(f"gate: {headline_of_all(content)}"), *(f"- {printable(line)}" for line in _notes(content))]
    for model, one in content["models"].items():
        text = printable(f"gate: no verdict: {one['error']}") + "\n" if "error" in one else layout(one)
        sections += ["", printable(model) + text.removeprefix("gate").rstrip()]
    return "\n".join(sections) + "\n"


def markdown_of_all(content: dict[str, Any], layout: Layout) -> str:
    """Return the report as a pull request comment; `layout` is that of one model."""
    lines = [f"### {_mark(content)} Gate: {plain(headline_of_all(content))}", ""]
    lines += [*(f"- {plain(line)}" for line in _notes(content)), ""] if _notes(content) else []
    for model, one in content["models"].items():
        summary = f"<summary>{_mark(one)} {plain(model)}: {_word(one)}</summary>"
        unfolded = "" if one["verdict"] == "pass" else " open"
        lines += [f"<details{unfolded}>{summary}", "", layout(one).rstrip(), "", "</details>", ""]
    return "\n".join(lines).rstrip() + "\n"


def _notes(content: dict[str, Any]) -> list[str]:
    lines = []
    if untouched := content["untouched"]:
        lines.append(f"Not judged, for nothing in the branch is about them: {', '.join(untouched)}")
    if removed := content["removed"]:
        lines.append(f"This branch removes {', '.join(removed)}")
    return lines


def _word(content: dict[str, Any]) -> str:
    return WORDS.get(content["verdict"], UNDECIDED)


def _mark(content: dict[str, Any]) -> str:
    return MARKS.get(_word(content), "⚠️")
