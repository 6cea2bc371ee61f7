"""Whether a branch still predicts what its base does. If not, no figure of one can be compared with the other's."""

import datetime
from typing import Any

from lifecycle.core import config
from lifecycle.core.config import Split
from lifecycle.core.errors import ConfigError
from lifecycle.core.files import parse_yaml
from lifecycle.core.git import text_at
from lifecycle.gate.policy import Policy


def exchanged(base: str, head: str) -> list[str]:
    """Return how what the branch predicts differs from what the base predicts, a line each; nothing if it does not."""
    of_base, of_branch = text_at(base, config.PARAMS), text_at(head, config.PARAMS)
    try:
        before, after = problem_of(of_base), problem_of(of_branch)
    except ConfigError:
        return []  # readable_files.py says so of the base; of the branch the pipeline fails, and says why
    names = [name for name in after if name in before]  # the positive class only where both tasks have one
    changes = [f"{name} was {before[name]}, is {after[name]}" for name in names if before[name] != after[name]]
    return changes + _split_changes(of_base, of_branch)


def permission_problem(policy: Policy, today: datetime.date) -> str:
    """Return why the base's policy does not allow another problem, or nothing."""
    if policy.new_problem is None:
        return f"{config.GATES} of the base has no new_problem"
    expires = policy.new_problem.expires
    return f"new_problem in {config.GATES} of the base ended on {expires}" if expires and expires < today else ""


def _split_changes(of_base: str | None, of_branch: str | None) -> list[str]:
    """How the choice of the test rows differs; other rows may be split otherwise, as by a longer gap."""
    choices = []
    for text in (of_base, of_branch):
        try:
            split = Split.checked(parse_yaml(text or "", str(config.PARAMS)).get("split"), "split")
        except ConfigError:
            return []  # of another version of the template, or the pipeline fails, and says why
        choices.append(_choice_of_test_rows(split))
    before, after = choices
    return [
        f"{name} was {before.get(name, 'not set')}, is {after.get(name, 'not set')}"
        for name in {**before, **after}
        if before.get(name) != after.get(name)
    ]


def _choice_of_test_rows(split: Split) -> dict[str, Any]:
    """The settings that say which rows are for testing, by name."""
    if split.time:
        return {"split.time.column": split.time.column, "split.time.test_from": split.time.test_from}
    settings = {"split.test": split.test, "split.salt": split.salt, "split.group": split.group}
    return {name: value for name, value in settings.items() if value is not None}


def problem_of(text: str | None, source: str = str(config.PARAMS)) -> dict[str, str]:
    """Return what the text of a params.yaml says is predicted, by name. Raises ConfigError, which names the source, if it does not say so."""
    params = parse_yaml(text or "", source)
    data: Any = params.get("data")
    if not isinstance(data, dict) or not {"id", "target"} <= data.keys() or "task" not in params:
        raise ConfigError(f"{source}: task, data.id or data.target is missing")
    positive = {"data.positive": str(data.get("positive"))} if params["task"] == "binary" else {}
    return {"task": str(params["task"]), "data.target": str(data["target"]), **positive, "data.id": str(data["id"])}
