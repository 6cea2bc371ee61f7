"""Columns that the prediction log does not have as they were sent: left out or hashed, as contract.yaml tags them.

columns:
  email:
    dtype: str
    metadata: {log: hash}    # or omit
"""

import hashlib
import hmac
import json
import os
from pathlib import Path
from typing import Any

from lifecycle.core.errors import ConfigError
from lifecycle.core.files import read_text, read_yaml
from lifecycle.core.git import run

KEY, KEY_FILE = "SERVING_LOG_KEY", "SERVING_LOG_KEY_FILE"
SHORTEST_KEY = 16  # characters
OMIT, HASH = "omit", "hash"
IN_WORDS = {OMIT: "left out", HASH: "hashed"}
HASHED = "hmac-sha256:"  # what a hashed value begins with
MISSPELT = {"logs", "logged", "logging"}
MAKE_KEY = "python -c 'import secrets; print(secrets.token_hex(32))' makes one"


class Redaction:
    """What is done to rows before they are written to the log."""

    def __init__(self, columns: dict[str, str], key: bytes = b"") -> None:
        """`columns` are those to treat, with OMIT or HASH; `key` is for those to hash."""
        self.columns, self._key = columns, key

    def row(self, record: dict[str, Any]) -> dict[str, Any]:
        """Return a row without the columns that are left out, and with the others hashed. What is missing stays missing."""
        return {name: self.value(name, value) for name, value in record.items() if not self.omits(name)}

    def omits(self, column: str) -> bool:
        return self.columns.get(column) == OMIT

    def value(self, column: str, value: Any) -> Any:
        """Return a value as the log has it: the HMAC-SHA-256 of column and value, if the column is hashed."""
        if self.columns.get(column) != HASH or value is None:
            return value
        text = f"{column}={json.dumps(value, sort_keys=True)}"
        return HASHED + hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()


def private_columns(contract: Path) -> dict[str, str]:
    """Return the columns of a contract that are left out of the log or hashed there, with OMIT or HASH.

    Raises ConfigError if a tag is neither, or misspelt.
    """
    columns = {}
    for name, column in (read_yaml(contract).get("columns") or {}).items():
        metadata = column.get("metadata") if isinstance(column, dict) else None
        if metadata is not None and not isinstance(metadata, dict):
            raise ConfigError(
                f"{contract}: column {name}: metadata is {metadata!r}: write a mapping, as in {{log: {HASH}}}"
            )
        for key, value in (metadata or {}).items():
            if key == "log" and value not in IN_WORDS:
                raise ConfigError(f"{contract}: column {name}: metadata.log is {value!r}: write {OMIT} or {HASH}")
            if key != "log" and str(key).lower() in {"log", *MISSPELT}:
                raise ConfigError(f"{contract}: column {name}: metadata.{key} is not known (did you mean log?)")
            if key == "log":
                columns[str(name)] = str(value)
    return columns


def redaction(contract: Path, target: str) -> Redaction | None:
    """Return what is done to rows before they are logged, if anything.

    Raises ConfigError if a tag is not valid, the target has one, or a column is to be hashed and there is no key.
    """
    columns = private_columns(contract)
    if target in columns:
        raise ConfigError(
            f"{contract}: column {target}: metadata.log is for what clients send: the target is not among it"
        )
    hashed = [name for name, treatment in columns.items() if treatment == HASH]
    return Redaction(columns, _needed_key(hashed[0]) if hashed else b"") if columns else None


def is_hashed(value: Any) -> bool:
    """Return whether a value of the log is a hash in place of what was sent."""
    return isinstance(value, str) and value.startswith(HASHED) and len(value) == len(HASHED) + 64


def describe(columns: dict[str, str]) -> str:
    """Return columns and what is done to them as one line: email (hashed), name (left out)."""
    return ", ".join(f"{name} ({IN_WORDS[treatment]})" for name, treatment in columns.items())


def key() -> bytes:
    """Return the key for hashed columns; nothing if none is set.

    Raises ConfigError if it is too short, or its file is missing or in git.
    """
    text, place = os.environ.get(KEY, "").strip(), os.environ.get(KEY_FILE, "").strip()
    if not text and place:
        if _is_in_git(Path(place)):
            raise ConfigError(
                f"{KEY_FILE}: {place} is in git, where a key must not be: take a new key in a file that git does not have"
            )
        text = read_text(Path(place)).strip() if Path(place).exists() else ""
        if not text:
            raise ConfigError(f"{KEY_FILE}: {place}: no such file, or an empty one: {MAKE_KEY}")
    if text and len(text) < SHORTEST_KEY:
        raise ConfigError(
            f"the key for hashed columns has {len(text)} characters, {SHORTEST_KEY} are the least: {MAKE_KEY}"
        )
    return text.encode()


def _needed_key(column: str) -> bytes:
    secret = key()
    if not secret:
        raise ConfigError(
            f"column {column} is hashed in the prediction log, which needs a key: set {KEY}, or {KEY_FILE} to a file ({MAKE_KEY})"
        )
    return secret


def _is_in_git(path: Path) -> bool:
    try:
        run("ls-files", "--error-unmatch", "--", path.name, folder=path.absolute().parent)
    except (ConfigError, OSError):  # git does not have it, or is not there
        return False
    return True
