"""Read and write the pipeline's files. A new file replaces the old one in one step, or not at all."""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from lifecycle.core.errors import ConfigError, DataError

if TYPE_CHECKING:
    import pandas as pd

MOST_VALUES = 1_000_000  # of a YAML file
NULL = "tag:yaml.org,2002:null"
TOO_MANY = "aliases of aliases make more values than the limit"


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`: the file there replaces `path` if the block succeeds, and is removed if not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(text: str, path: Path) -> None:
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(content: Any, path: Path) -> None:
    """Write JSON that a person can diff: indented, and never NaN or infinity (raises ValueError)."""
    write_text(json.dumps(content, indent=2, allow_nan=False) + "\n", path)


def write_parquet(frame: "pd.DataFrame", path: Path) -> None:
    with replacing(path) as temporary:
        frame.to_parquet(temporary, index=False)


def read_parquet(path: Path) -> "pd.DataFrame":
    """Read a table of the pipeline's, and free Arrow's copy column by column: pandas' own reader holds the table twice.

    Raises ConfigError if there is no such file, DataError if it is not a Parquet file.
    """
    import pandas as pd  # not at the top: commands that only read YAML start in a quarter of the time
    import pyarrow
    import pyarrow.parquet

    try:
        table = pyarrow.parquet.ParquetFile(path).read()
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file; `make repro` makes it") from None
    except pyarrow.ArrowException as error:
        raise DataError(f"{path}: cannot be read: {str(error)[:200]}; remove it, then `make repro`") from None
    frame: pd.DataFrame = table.to_pandas(self_destruct=True, split_blocks=True)
    del table
    pyarrow.default_memory_pool().release_unused()
    for name in frame.select_dtypes("category"):  # else each row of an array of them has its own string
        frame[name] = frame[name].cat.rename_categories(pd.Index(frame[name].cat.categories, dtype=object))
    return frame


def file_hash(path: Path, algorithm: str = "sha256") -> str:
    """Return the hash of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML 1.2 mapping, as DVC does. Raises ConfigError if the file is missing, or is not a mapping in valid YAML."""
    return parse_yaml(read_text(path), str(path))


def read_text(path: Path) -> str:
    """Return the text of a file. Raises ConfigError if it is missing, not UTF-8, or cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file; restore it with `git checkout -- {path}`") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8: {error}; save it as UTF-8") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None


def parse_yaml(text: str, source: str) -> dict[str, Any]:
    """Return the mapping that a YAML 1.2 text holds. Raises ConfigError, which names the source, if it does not hold one."""
    try:
        content = YAML(typ="safe", pure=True).load(text)
    except (YAMLError, ValueError, RecursionError) as error:
        raise ConfigError(f"{source}: {_conflict(text) or f'not valid YAML: {_explained(error)[:300]}'}") from None
    if "*" in text and _size(content, {}) > MOST_VALUES:
        raise ConfigError(f"{source}: {TOO_MANY} of {MOST_VALUES:,}: write out what is meant")
    return _mapping(content, source)


def yaml_as_written() -> YAML:
    """Return a YAML that leaves what it does not change as it is written, comments included."""
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 10_000
    yaml.representer.add_representer(type(None), lambda representer, _: representer.represent_scalar(NULL, "null"))
    return yaml


def parse_json(text: str, source: str) -> dict[str, Any]:
    """Return the mapping that a JSON text holds. Raises ConfigError, which names the source, if it does not hold one."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{source}: {_conflict(text) or f'not valid JSON: {str(error)[:300]}'}") from None
    return _mapping(content, source)


def value_at(content: Any, keys: Iterable[str]) -> Any:
    """Return the value in nested mappings under one key after another, or None if it is not there."""
    for key in keys:
        content = content.get(key) if isinstance(content, dict) else None
    return content


def _conflict(text: str) -> str:
    """Say in which line a text holds git's conflict markers, if it does."""
    for number, line in enumerate(text.splitlines(), start=1):
        if line.startswith(("<" * 7 + " ", ">" * 7 + " ")):  # written so that rendering the template leaves it alone
            return f"line {number} is a conflict marker of git's"
    return ""


def _explained(error: Exception) -> str:
    """What is wrong with a YAML text, and in which line."""
    if isinstance(error, MarkedYAMLError) and error.problem and error.problem_mark:
        return f"line {error.problem_mark.line + 1}: {error.problem}"
    return str(error)


def _size(value: Any, sizes: dict[int, int]) -> int:
    """How many values a content has if its aliases are written out, which takes forever if they are nested."""
    if not isinstance(value, dict | list):
        return 1
    if id(value) not in sizes:
        sizes[id(value)] = MOST_VALUES  # of one that contains itself
        sizes[id(value)] = 1 + sum(
            _size(item, sizes) for item in (value.values() if isinstance(value, dict) else value)
        )
    return sizes[id(value)]


def _mapping(content: Any, source: str) -> dict[str, Any]:
    if not isinstance(content, dict):
        raise ConfigError(f"{source}: expected a mapping of names to values, found {type(content).__name__}")
    return content
