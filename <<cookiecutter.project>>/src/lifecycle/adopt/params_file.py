"""params.yaml for a table: the sections data and split, the task, the estimator and the slices; everything else stays."""

import json
import re

from lifecycle.adopt.contract_draft import quoted
from lifecycle.adopt.plan import Plan
from lifecycle.core.config import NumberFormat
from lifecycle.core.errors import ConfigError


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
    text = _line(text, "  estimator", name)
    block = [f"  {name}:", *(f"    {setting}: {json.dumps(value)}" for setting, value in settings.items())]
    text = _subsection(text, name, "\n".join(block) + "\n")
    return _line(text, "  slices", f"[{', '.join(quoted(column) for column in plan.slices)}]")


def set_salt(text: str, salt: int) -> str:
    """Return the text of params.yaml with another salt of the split."""
    return _line(text, "  salt", str(salt))


def _data(plan: Plan, raw: str) -> str:
    key, target, form = plan.key, plan.target, plan.file.csv
    lines = [f"  raw: {quoted(raw)}   # CSV (also compressed) or Parquet, a file or a folder of parts, tracked by DVC"]
    if form:
        nulls = ", ".join(json.dumps(word, ensure_ascii=False) for word in form.nulls or ())
        lines += [
            "  csv:                        # how the file is written",
            f"    separator: {json.dumps(form.separator)}",
            f"    encoding: {form.encoding}",
            f"    decimal: {json.dumps(form.decimal)}",
            f"    nulls: [{nulls}]   # what means a missing value",
        ]
    if plan.formats:
        lines.append(
            "  formats:                    # columns whose dates (strptime) or numbers are not written plainly"
        )
        lines += [f"    {quoted(name)}: {_format(form)}" for name, form in plan.formats.items()]
    if key.id_from:
        lines += [
            f"  id: {quoted(key.id)}                  # identifies a row; made from its values in these columns, because no column does",
            f"  id_from: [{', '.join(map(quoted, key.id_from))}]",
        ]
    else:
        lines.append(f"  id: {quoted(key.id)}   # identifies a row; its hash decides the side of the split")
    lines.append(f"  target: {quoted(target.name)}")
    if target.task == "binary":
        positive = quoted(target.positive) if isinstance(target.positive, str) else json.dumps(target.positive)
        lines.append(f"  positive: {positive}   # the value of the target whose probability is predicted")
    if target.unlabelled:
        lines.append(
            "  unlabelled: true            # rows without a target are left out of training, and can be scored"
        )
    if plan.exclude:
        lines.append("  exclude:                    # columns of the contract that the model is not given")
        lines += [f"    - {quoted(name)}   # {' '.join(why.split())}" for name, why in plan.exclude.items()]
    return "\n".join(lines) + "\n"


def _split(plan: Plan) -> str:
    lines = [
        "  validation: 0.15            # shares of rows; a row keeps its side when data is added",
        "  test: 0.2",
        "  salt: 0                     # another number is another split",
        f"  group: {quoted(plan.key.group) if plan.key.group else 'null'}                 # rows with one value of this column stay on one side",
    ]
    if plan.time:
        lines += [
            "  time:                       # later rows validate and test; the shares above do not apply",
            f"    column: {quoted(plan.time.column)}",
            f'    validation_from: "{plan.time.validation_from}"',
            f'    test_from: "{plan.time.test_from}"',
            f"    gap_days: {plan.time.gap_days}               # so long before each date no row is used: its target was not known yet",
        ]
    else:
        lines.append(
            '  time: null                  # or by time: {column: signed_up, validation_from: "2025-01-01", test_from: "2025-04-01", gap_days: 30}'
        )
    return "\n".join(lines) + "\n"


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


def _subsection(text: str, name: str, content: str) -> str:
    return _replace(text, rf"^  {name}:[^\n]*\n(?:    [^\n]*\n)*", content, f"train.{name}")


def _line(text: str, name: str, value: str) -> str:
    """Replace the value of a line, and keep the comment behind it."""
    pattern = rf"^{name}: (?P<value>[^\n#]*?)(?P<comment>[ \t]*(#[^\n]*)?)$"
    match = re.search(pattern, text, flags=re.MULTILINE)
    if not match:
        raise ConfigError(f"params.yaml: {name.strip()} is missing")
    comment = f"   {match['comment'].strip()}" if match["comment"].strip() else ""
    return f"{text[: match.start()]}{name}: {value}{comment}{text[match.end() :]}"


def _replace(text: str, pattern: str, content: str, name: str) -> str:
    match = re.search(pattern, text, flags=re.MULTILINE)
    if not match:
        raise ConfigError(f"params.yaml: {name} is missing")
    return text[: match.start()] + content + text[match.end() :]
