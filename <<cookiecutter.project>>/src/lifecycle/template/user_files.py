"""The files that belong to the user: once edited they stay as they are, but for settings that a new version adds."""

from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import YAMLError

from lifecycle.core.files import value_at, yaml_as_written

SETTINGS = (
    "params.yaml",
    "gates.yaml",
    "serving.yaml",
    "batch.yaml",
    "monitoring.yaml",
    "retraining.yaml",
    "search.yaml",
)
OWNED = {"contract.yaml", ".python-version", *SETTINGS}
Keys = tuple[str, ...]


@dataclass
class UserFiles:
    """What an update leaves as the user has it, and what it adds to it."""

    edited: list[str] = field(default_factory=list)
    """Files that the template changed as well."""
    dropped: list[str] = field(default_factory=list)
    """Files that the template no longer has."""
    added: list[str] = field(default_factory=list)
    """Settings that are new, with their default."""
    not_added: list[str] = field(default_factory=list)
    """Settings that are new, and could not be added without changing what the user has written."""
    unused: list[str] = field(default_factory=list)
    """Settings that the template no longer has."""


def keep(old: Path, new: Path, present: dict[str, bytes], package: str) -> UserFiles:
    """Make both renders agree with the user's own files, so that a merge of their difference leaves them as they are.

    Args:
        old: the render that the repo was made from; files in it are changed.
        new: the render that it is renewed to, likewise.
        present: the files of the repo, by path.
        package: the import name of the user's package.
    """
    user_files = UserFiles()
    for path in sorted(owned(old, package) | owned(new, package)):
        before, after, users = _read(old / path), _read(new / path), present.get(path)
        if users is None or users == before or before == after:
            continue  # deleted by the user, not edited, or nothing new
        content = users
        if after is None:
            user_files.dropped.append(path)
        else:
            user_files.edited.append(path)
            if path in SETTINGS:
                content = with_new_settings(path, users, before or b"", after, user_files)
        _write(old / path, users)
        _write(new / path, content)
    return user_files


def owned(render: Path, package: str) -> set[str]:
    """Return those files of a render that belong to the user."""
    paths = {path.relative_to(render).as_posix() for path in render.rglob("*") if path.is_file()}
    return {path for path in paths if path in OWNED or path.startswith((f"src/{package}/", "data/", "notebooks/"))}


def with_new_settings(path: str, users: bytes, before: bytes, after: bytes, user_files: UserFiles) -> bytes:
    """Return the user's settings with those that are new in the template; they are noted in `user_files`.

    Args:
        path: of the file, for the note.
        users: the file as the user has it.
        before: as the render has it that the repo was made from.
        after: as the render has it that it is renewed to.
        user_files: where what was added, and what is no longer used, is noted.
    """
    try:
        mine, theirs, former = (
            yaml_as_written().load(text.decode("utf-8")) for text in (users, after, before or b"{}")
        )
    except (YAMLError, UnicodeDecodeError):  # the command that reads it says what is wrong with it
        user_files.not_added.append(f"{path}: it cannot be read")
        return users
    new = sorted(_keys(theirs) - _keys(former) - _keys(mine))
    user_files.unused += [f"{path}: {'.'.join(keys)}" for keys in sorted((_keys(former) - _keys(theirs)) & _keys(mine))]
    lines = {keys: f"{path}: {'.'.join(keys)} = {_short(value_at(theirs, keys))}" for keys in new}
    added = [keys for keys in new if isinstance(mine, dict) and _insert(mine, theirs, keys)]
    stream = StringIO()
    if added:
        yaml_as_written().dump(mine, stream)
    text = stream.getvalue().replace("\n", "\r\n" if b"\r\n" in users else "\n").encode()
    if not _only_adds(text, users):
        added = []
    user_files.added += [lines[keys] for keys in added]
    user_files.not_added += [lines[keys] for keys in new if keys not in added]
    return text if added else users


def _only_adds(text: bytes, users: bytes) -> bool:
    """Whether every line of the user's stands in a text, in the same order: YAML is written in other ways as well."""
    lines = iter(text.splitlines(keepends=True))
    return all(line in lines for line in users.splitlines(keepends=True))


def _keys(content: Any, above: Keys = ()) -> set[Keys]:
    """The path of every key of a mapping and of the mappings in it."""
    if not isinstance(content, dict):
        return set()
    return {
        keys
        for name, value in content.items()
        if isinstance(name, str)
        for keys in ({(*above, name)} | _keys(value, (*above, name)))
    }


def _insert(mine: Any, theirs: Any, keys: Keys) -> bool:
    """Insert a setting where the template has it. Returns whether the user's file has the section that it belongs to."""
    *above, name = keys
    section, source = value_at(mine, above), value_at(theirs, above)
    if not isinstance(section, CommentedMap) or name in section:
        return False
    names = list(source)
    earlier = [list(section).index(other) for other in names[: names.index(name)] if other in section]
    section.insert(max(earlier, default=-1) + 1, name, source[name])
    if name in source.ca.items:
        section.ca.items[name] = source.ca.items[name]
    return True


def _short(value: Any) -> str:
    return "a section" if isinstance(value, dict) else str(value)


def _read(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
