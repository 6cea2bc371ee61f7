"""What an update has done."""

from dataclasses import dataclass
from typing import Any

from lifecycle.template.provenance import Record
from lifecycle.template.user_files import UserFiles

CONFLICTS = {
    "UU": "edited on both sides",
    "AA": "added on both sides",
    "UD": "edited here, and no longer in the template",
    "DD": "renamed on both sides",
    "AU": "renamed on both sides",
    "UA": "renamed on both sides",
}


@dataclass(frozen=True)
class Update:
    """Of the repo, on a branch of its own."""

    before: Record
    after: Record
    branch: str
    commit: str | None
    """On the branch; None if there are conflicts."""
    conflicts: dict[str, str]
    """Path → what happened to it on both sides."""
    files: int
    """That differ between both renders."""
    user_files: UserFiles
    deleted: list[str]
    """Files that the template changed and that the user had deleted."""
    new_prompts: dict[str, Any]
    lock_failure: str | None
    """Why requirements.txt could not be resolved again."""
    unanswered: str | None
    """What is wrong with the settings now."""
    changes: str
    """Sections of the changelog."""
