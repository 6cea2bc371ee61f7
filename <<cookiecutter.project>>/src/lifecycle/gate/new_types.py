"""Types that a model file may hold after a change, and could not before: whoever loads the model trusts them."""

from lifecycle.core import config
from lifecycle.core.git import text_at


def new_types(base: str, head: str) -> list[str]:
    """Return a line for each type that the branch's list has and the base's has not."""
    before, after = ((text_at(commit, config.TRUSTED_TYPES) or "").split() for commit in (base, head))
    return [f"{config.TRUSTED_TYPES}: a model file may hold {name} now" for name in after if name not in before]
