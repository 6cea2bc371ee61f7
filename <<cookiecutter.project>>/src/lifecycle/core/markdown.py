"""Text of others in Markdown on GitHub. Standard library only: scripts/comment.py runs this without the project's environment."""

import re
from typing import Any

MAX_TEXT = 600  # characters


def plain(text: Any) -> str:
    """Return a text that Markdown on GitHub shows as it is: no mention, reference, link, image, markup or table cell."""
    text = re.sub(r"([\\*_`\[\]|~!$])", r"\\\1", printable(text).replace("&", "&amp;"))
    text = text.replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"(@|#|GH(?=-)|:(?=//|\w+:)|www(?=\.))", "\\1\u200b", text)


def printable(text: Any) -> str:
    text = " ".join("".join(character if character.isprintable() else " " for character in str(text)).split(" "))
    return text if len(text) <= MAX_TEXT else text[:MAX_TEXT] + "..."


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, such as `1 metric` and `2 metrics`."""
    return f"{number:,} {noun}{'s' * (number != 1)}"
