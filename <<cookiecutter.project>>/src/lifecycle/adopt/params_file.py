"""params.yaml for a table: the sections data and split, the task, the estimator and the slices; everything else stays."""

import json
import re
from typing import Any

from lifecycle.adopt.contract_draft import quoted
from lifecycle.adopt.plan import Plan
from lifecycle.core.config import NumberFormat
from lifecycle.core.errors import ConfigError

COMMENTS = 30  # the column of comments in params.yaml


def rewrite(text: str, plan: Plan, raw: str) -> str:
    """Return the text of params.yaml made to be about a table, comments included.

    Args:
        text: as it is now.
        plan: what was decided.
        raw: the path of the table in the repo.
    """
    text = _line(text, "task", plan.target.task)
    text = _section(text, "data", _data(plan, raw))
    text = _section(text, "split", _split(plan))
    name, settings = plan.estimator
    text = _parameters(_line(text, "  estimator", name), settings)
    return _line(text, "  slices", f"[{', '.join(quoted(column) for column in plan.slices)}]")


def set_salt(text: str, salt: int) -> str:
    """Return the text of params.yaml with another salt of the split."""
    return _line(text, "  salt", str(salt))


def _data(plan: Plan, raw: str) -> str:
    key, target, form = plan.key, plan.target, plan.file.csv
    lines = [
        _commented(
            f"  raw: {quoted(raw)}", "CSV (also compressed) or Parquet, a file or a folder of parts, tracked by DVC"
        )
    ]
    if form:
        nulls = ", ".join(json.dumps(word, ensure_ascii=False) for word in form.nulls or ())
        lines += [
            _commented("  csv:", "how the file is written"),
            f"    separator: {json.dumps(form.separator)}",
            f"    encoding: {form.encoding}",
            f"    decimal: {json.dumps(form.decimal)}",
            _commented(f"    nulls: [{nulls}]", "what means a missing value"),
        ]
    if plan.formats:
        lines.append(_commented("  formats:", "columns whose dates (strptime) or numbers are not written plainly"))
        lines += [f"    {quoted(name)}: {_format(form)}" for name, form in plan.formats.items()]
    identified = "identifies a row; its hash decides the side of the split"
    if key.id_from:
        identified = "identifies a row; made from its values in these columns, because no column does"
    lines.append(_commented(f"  id: {quoted(key.id)}", identified))
    lines += [f"  id_from: [{', '.join(map(quoted, key.id_from))}]"] if key.id_from else []
    lines.append(f"  target: {quoted(target.name)}")
    if target.task == "binary":
        positive = quoted(target.positive) if isinstance(target.positive, str) else json.dumps(target.positive)
        lines.append(_commented(f"  positive: {positive}", "the value of the target whose probability is predicted"))
    if target.unlabelled:
        lines.append(
            _commented("  unlabelled: true", "rows without a target are left out of training, and can be scored")
        )
    of_exclude = "columns of the contract that the model is not given"
    if not plan.exclude:
        lines.append(_commented("  exclude: []", of_exclude))
    else:
        lines.append(_commented("  exclude:", of_exclude))
        lines += [_commented(f"    - {quoted(name)}", why) for name, why in plan.exclude.items()]
    return "\n".join(lines) + "\n"


def _split(plan: Plan) -> str:
    group = quoted(plan.key.group) if plan.key.group else "null"
    lines = [
        _commented("  validation: 0.15", "shares of rows; a row keeps its side when data is added"),
        "  test: 0.2",
        _commented("  salt: 0", "another number is another split"),
        _commented(f"  group: {group}", "rows with one value of this column stay on one side"),
    ]
    if not plan.time:
        example = '{column: signed_up, validation_from: "2025-01-01", test_from: "2025-04-01", gap_days: 30}'
        return "\n".join([*lines, _commented("  time: null", f"or by time: {example}")]) + "\n"
    lines += [
        _commented("  time:", "later rows validate and test; the shares above do not apply"),
        f"    column: {quoted(plan.time.column)}",
        f'    validation_from: "{plan.time.validation_from}"',
        f'    test_from: "{plan.time.test_from}"',
        _commented(
            f"    gap_days: {plan.time.gap_days}",
            "so long before each date no row is used: its target was not known yet",
        ),
    ]
    return "\n".join(lines) + "\n"


def _commented(line: str, comment: str) -> str:
    """A line with a comment behind it, all of them in one column if the line leaves room."""
    return f"{line:<{COMMENTS}}{'' if len(line) < COMMENTS else '   '}# {' '.join(comment.split())}"


def _format(form: str | NumberFormat) -> str:
    if isinstance(form, str):
        return json.dumps(form)
    return (
        "{"
        + ", ".join(f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in form.model_dump().items())
        + "}"
    )


def _section(text: str, name: str, content: str) -> str:
    """Replace the content of a section at the top level; a comment line behind it belongs to the next."""
    return _replace(text, rf"^{name}:[^\n]*\n(?:[ \t]+[^\n]*\n)*", f"{name}:\n{content}", name)


def _parameters(text: str, values: dict[str, Any]) -> str:
    """Replace train.parameters, or put it below the estimator, where a repo has a section for each estimator instead."""
    block = "".join(
        [
            _commented("  parameters:", "any of its parameters") + "\n",
            *(f"    {name}: {json.dumps(value)}\n" for name, value in values.items()),
        ]
    )
    if re.search(r"^  parameters:", text, flags=re.MULTILINE):
        return _replace(text, r"^  parameters:[^\n]*\n(?:    [^\n]*\n)*", block, "train.parameters")
    return re.sub(r"^  estimator:[^\n]*\n", lambda line: line[0] + block, text, count=1, flags=re.MULTILINE)


def _line(text: str, name: str, value: str) -> str:
    """Replace the value of a line, and keep the comment behind it."""
    pattern = rf"^{name}: (?P<value>[^\n#]*?)(?P<comment>[ \t]*(#[^\n]*)?)$"
    match = re.search(pattern, text, flags=re.MULTILINE)
    if not match:
        raise ConfigError(f"params.yaml: {name.strip()} is missing")
    line, comment = f"{name}: {value}", match["comment"].strip().removeprefix("#")
    return text[: match.start()] + (_commented(line, comment) if comment else line) + text[match.end() :]


def _replace(text: str, pattern: str, content: str, name: str) -> str:
    match = re.search(pattern, text, flags=re.MULTILINE)
    if not match:
        raise ConfigError(f"params.yaml: {name} is missing")
    return text[: match.start()] + content + text[match.end() :]
