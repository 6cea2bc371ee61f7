"""What dvc.lock, dvc.yaml, .dvc files and files of metrics say, checked: no reader of them has to expect anything else.

Plain data comes back, as it stands in the file. Whatever has another form is a ConfigError that names file and key.
"""

import functools
import json
from pathlib import Path
from typing import Annotated, Any, NotRequired

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError, with_config
from typing_extensions import TypedDict  # pydantic refuses that of Python 3.11

from lifecycle.core import config
from lifecycle.core.errors import ConfigError
from lifecycle.core.files import parse_json, parse_yaml, read_text
from lifecycle.core.git import text_at

MEND_LOCK = "restore it from an earlier commit, or delete it and run `make repro`"
MEND = "correct it, or restore it from an earlier commit"


@with_config(ConfigDict(extra="allow", strict=True))
class Entry(TypedDict):
    """A dependency or an output."""

    path: Annotated[str, Field(min_length=1, max_length=1000, pattern=r"^[^\x00]+$")]
    md5: NotRequired[Annotated[str, Field(pattern=r"^\w+(\.dir)?$")]]


@with_config(ConfigDict(extra="allow", strict=True))
class Stage(TypedDict):
    """What dvc.lock says of a stage: what it was run with, and what it wrote."""

    cmd: NotRequired[str | list[str]]
    deps: NotRequired[list[Entry]]
    params: NotRequired[dict[str, dict[Any, Any]]]
    outs: NotRequired[list[Entry]]


Stages = dict[str, Stage]
_STAGES, _PIPELINE = TypeAdapter(Stages), TypeAdapter(dict[str, dict[Any, Any]])
_OUTS = TypeAdapter(Annotated[list[Entry], Field(min_length=1)])


def stages_of(text: str | None, source: str) -> Stages:
    """Return the stages in the text of a dvc.lock, by name; none if there is no text. Raises ConfigError, which names the source."""
    stages = _stages(text or "")
    if isinstance(stages, ConfigError):
        raise ConfigError(f"{source}{stages}")
    return stages


def stages_here(path: Path = config.LOCK) -> Stages:
    """Return the stages of a dvc.lock in the working tree, by name."""
    return stages_of(read_text(path), str(path))


def stages_at(commit: str, whose: str = "") -> Stages:
    """Return the stages of a commit's dvc.lock, by name; none if it has no dvc.lock. `whose` names the commit in an error."""
    return stages_of(text_at(commit, config.LOCK), f"{config.LOCK} of {whose or f'commit {commit[:9]}'}")


def pipeline_of(text: str | None, source: str) -> dict[str, dict[Any, Any]]:
    """Return the stages in the text of a dvc.yaml, by name, each a mapping. Raises ConfigError, which names the source."""
    stages: dict[str, dict[Any, Any]] = _checked(
        _PIPELINE, _content(text, source, MEND).get("stages", {}), f"{source}: stages", MEND
    )
    return stages


def outs_of(text: str | None, source: str) -> list[Entry]:
    """Return the outputs in the text of a .dvc file, at least one. Raises ConfigError, which names the source."""
    outs: list[Entry] = _checked(_OUTS, _content(text, source, MEND).get("outs"), f"{source}: outs", MEND)
    return outs


def metrics_of(text: str | None, source: str) -> dict[str, Any]:
    """Return the content of a file of metrics: a mapping whose numbers DVC can compute with. Raises ConfigError, which names the source."""
    content = parse_json(text or "", source)
    refuse_huge(content, source)
    return content


def refuse_huge(value: Any, source: str) -> None:
    """Raise ConfigError, which names the source, if a number in a content is too large for a float: DVC ends with a traceback."""
    for name, nested in (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    ):
        refuse_huge(nested, f"{source}: {name}")
    if isinstance(value, int):
        try:
            float(value)
        except OverflowError:
            raise ConfigError(f"{source} is too large a number: {MEND}, or run `make repro`") from None


@functools.lru_cache(maxsize=8)  # a gate reads the same dvc.lock, of a thousand lines, many times
def _stages(text: str) -> Stages | ConfigError:
    """The stages in a text, or why there are none, as it stands behind the name of the file."""
    try:
        content = _content(text, "", MEND_LOCK)
        if content.keys() - {"schema", "stages"} and "stages" not in content:
            return ConfigError(f": stages is missing: {MEND_LOCK}")
        stages: Stages = _checked(_STAGES, content.get("stages", {}), ": stages", MEND_LOCK)
        json.dumps(stages, default=str)  # as hashing it does
    except ConfigError as error:
        return error
    except (TypeError, ValueError, RecursionError) as error:
        return ConfigError(f": stages cannot be written as JSON ({str(error)[:100]}): {MEND_LOCK}")
    return stages


def _content(text: str | None, source: str, mend: str) -> dict[str, Any]:
    try:
        return parse_yaml(text, source) if text and text.strip() else {}
    except ConfigError as error:
        raise ConfigError(f"{error}: {mend}") from None


def _checked(adapter: TypeAdapter[Any], content: Any, source: str, mend: str) -> Any:
    try:
        return adapter.validate_python(content)
    except ValidationError as error:
        item = error.errors(include_url=False)[0]
    where = ".".join([source, *map(str, item["loc"])])
    if item["type"] == "missing":
        raise ConfigError(f"{where} is missing: {mend}")
    expected = item["msg"].removeprefix("Input should be ").replace("a valid dictionary", "a mapping")[:100]
    raise ConfigError(f"{where} is {_short(item['input'])}, must be {expected}: {mend}")


def _short(value: Any) -> str:
    names = {
        type(None): "null",
        dict: "a mapping",
        list: "a list",
        int: "a number",
        float: "a number",
        bool: "a truth value",
    }
    return names.get(type(value)) or repr(value)[:40]
