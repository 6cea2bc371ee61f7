"""Untrusted text in Markdown on GitHub. Standard library only: scripts/post_pull_request_comment.py runs this without the environment."""

import re
from typing import Any

MAX_TEXT = 600  # characters


def plain(text: Any) -> str:
    """Return a text that GitHub shows unchanged: escaped so that it can neither mention, refer, link, draw nor format."""
    text = re.sub(r"([\\*_`\[\]|~!$])", r"\\\1", printable(text).replace("&", "&amp;"))
    text = text.replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"(@|#|GH(?=-)|:(?=//|\w+:)|www(?=\.))", "\\1\u200b", text)


def printable(text: Any) -> str:
    """Return a text on one line, without control characters, cut to MAX_TEXT characters."""
    line = " ".join("".join(character if character.isprintable() else " " for character in str(text)).split(" "))
    return line if len(line) <= MAX_TEXT else line[:MAX_TEXT] + "..."


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, such as `1 metric` and `2 metrics`."""
    return f"{number:,} {noun}{'s' * (number != 1)}"
