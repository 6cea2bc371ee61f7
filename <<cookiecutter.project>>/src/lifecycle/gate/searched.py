"""What reports/search.json says of a branch whose parameters come from `make search`."""

from lifecycle.core import config
from lifecycle.core.errors import ConfigError
from lifecycle.core.files import parse_json, parse_yaml, value_at
from lifecycle.core.git import text_at
from lifecycle.gate.check_result import finite_or_none


def searched(base: str, head: str) -> str:
    """Return that the branch's parameters are the best of so many trials, and how good these say they are; nothing if they are not.

    The numbers are the branch's own: nobody has run the trials again.
    """
    before, after = (text_at(commit, config.SEARCH_REPORT) for commit in (base, head))
    if not after or after == before:
        return ""
    try:
        content = parse_json(after, str(config.SEARCH_REPORT))
        params = parse_yaml(text_at(head, config.PARAMS) or "", str(config.PARAMS))
    except ConfigError as error:
        return f"Search: {error}"
    parameters, corrected = content.get("parameters"), content.get("corrected")
    if not (isinstance(parameters, dict) and isinstance(corrected, dict)):
        return f"Search: {config.SEARCH_REPORT} names no parameters"
    if any(value_at(params, name.split(".")) != value for name, value in parameters.items()):
        return ""  # they were changed again since
    figures = [finite_or_none(value) for value in (content.get("trials"), content.get("validation"))]
    bounds = [finite_or_none(corrected.get(name)) for name in ("value", "low", "high")]
    if None in figures or None in bounds:
        return f"Search: {config.SEARCH_REPORT} lacks numbers"
    return (
        f"Search: these parameters are the best of {figures[0]:,.0f} trials on the validation rows, says {config.SEARCH_REPORT}: "
        f"{str(content.get('metric'))[:50]} {figures[1]:.4f}, and {bounds[0]:.4f} ({bounds[1]:.4f} to {bounds[2]:.4f}) corrected for the choice; the test rows "
        "have no part in it"
    )
