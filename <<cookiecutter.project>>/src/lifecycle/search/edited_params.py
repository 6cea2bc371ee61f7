"""Other values in the text of params.yaml, and not another character of it."""

import re
from io import StringIO
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode

from lifecycle.core import config
from lifecycle.core.errors import ConfigError
from lifecycle.core.files import parse_yaml, yaml_as_written
from lifecycle.search.settings import changed


def with_values(text: str, values: dict[str, Any]) -> str:
    """Return the text with other values, by dotted name; comments behind them stay in their column where there is room.

    A name that is not there is put behind the last one of its section. Where the text cannot be changed in these places alone, such
    as at an alias of YAML's, it is written anew.
    """
    content, edited = parse_yaml(text, str(config.PARAMS)), text
    try:
        for name, value in values.items():
            edited = _with_value(edited, name.split("."), _written(value))
        if parse_yaml(edited, str(config.PARAMS)) == changed(content, values):
            return edited
    except (ConfigError, YAMLError):
        pass  # an edit has broken the text: see below
    yaml, stream = yaml_as_written(), StringIO()
    yaml.dump(changed(yaml.load(text), values), stream)
    return stream.getvalue()


def _with_value(text: str, keys: list[str], value: str) -> str:
    """The text with one value; as it is where there is no place for it."""
    section: Node | None = YAML(typ="safe", pure=True).compose(text)
    for key in keys[:-1]:
        section = _entries(section).get(key, (None, None))[1]
    entry = _entries(section).get(keys[-1])
    if entry and isinstance(entry[1], ScalarNode):
        return _replaced(text, *entry, value)
    if not entry and isinstance(section, MappingNode) and not section.flow_style:
        return _added(text, section, f"{keys[-1]}: {value}")
    return text


def _entries(section: Node | None) -> dict[str, tuple[Node, Node]]:
    pairs = section.value if isinstance(section, MappingNode) else []
    return {name.value: (name, node) for name, node in pairs if isinstance(name, ScalarNode)}


def _replaced(text: str, name: Node, node: Node, value: str) -> str:
    start, end = node.start_mark.index, node.end_mark.index
    if start == end:  # nothing is written behind the colon
        colon = text.index(":", name.end_mark.index) + 1
        return f"{text[:colon]} {value}{text[colon:]}"
    gap = re.match(r" +(?=#)", text[end:])
    if gap:
        room = end - start + len(gap[0]) - len(value)
        return f"{text[:start]}{value}{' ' * max(room, 1)}{text[end + len(gap[0]) :]}"
    return text[:start] + value + text[end:]


def _added(text: str, section: MappingNode, line: str) -> str:
    """The text with a line more behind the last entry of a section that is on one line."""
    for name, node in reversed(section.value):
        if name.start_mark.line == node.end_mark.line:
            head, newline, tail = text[node.end_mark.index :].partition("\n")
            indent = " " * name.start_mark.column
            return f"{text[: node.end_mark.index]}{head}\n{indent}{line}{newline}{tail}"
    return text


def _written(value: Any) -> str:
    """A value as YAML has it behind a colon."""
    stream = StringIO()
    yaml_as_written().dump({"value": value}, stream)
    return stream.getvalue().removeprefix("value:").strip()
