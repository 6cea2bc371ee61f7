"""search.yaml, typed and checked in one place."""

import copy
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from lifecycle.core import config
from lifecycle.core.config import Params
from lifecycle.core.errors import ConfigError
from lifecycle.core.files import read_yaml
from lifecycle.core.section import Section

SEARCH = Path("search.yaml")
SECTION = "train."
DIGITS = 4  # significant ones of a number that is tried

Value = str | int | float | bool | None


class Space(Section):
    """The values of a parameter: those between two numbers, or those of a list."""

    low: float | int | None = None
    high: float | int | None = None
    log: bool = False
    """Whether small numbers are tried as often as large ones."""
    values: Annotated[list[Value], Field(min_length=2)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_list(cls, content: Any) -> Any:
        return {"values": content} if isinstance(content, list) else content

    @model_validator(mode="after")
    def _is_a_range_or_a_list(self) -> Self:
        if self.values is not None:
            return self
        if self.low is None or self.high is None or not self.low < self.high:
            raise ValueError("write {low: ..., high: ...}, the first below the second, or a list of values")
        if self.log and self.low <= 0:
            raise ValueError("log: true needs a low above 0")
        return self

    def holds(self, value: Any) -> bool:
        """Return whether a value is one of these."""
        if self.values is not None:
            return value in self.values
        numeric = isinstance(value, int | float) and not isinstance(value, bool)
        return numeric and self.low is not None and self.high is not None and self.low <= value <= self.high


class Search(Section):
    metric: str
    parameters: Annotated[dict[str, Space], Field(min_length=1)]

    @model_validator(mode="after")
    def _is_of_the_estimator(self) -> Self:
        if other := next((name for name in self.parameters if not name.startswith(SECTION)), None):
            raise ValueError(
                f"parameters: {other} does not begin with {SECTION}: data, split and judgement stay as they are"
            )
        return self


def load() -> Search:
    """Return the checked settings. Raises ConfigError naming every one that is missing, unknown or invalid."""
    return Search.checked(read_yaml(SEARCH), str(SEARCH))


def changed(content: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    """Return the content of params.yaml with other values, by dotted name."""
    content = copy.deepcopy(content)
    for name, value in values.items():
        *sections, key = name.split(".")
        section = content
        for step in sections:
            section = section.setdefault(step, {})
        section[key] = value
    return content


def params_with(content: dict[str, Any], values: dict[str, Any]) -> Params:
    """Return the checked parameters with other values. Raises ConfigError if they are invalid."""
    try:
        return Params.checked(changed(content, values), str(config.PARAMS))
    except ConfigError as error:
        raise ConfigError(f"{SEARCH}: {error}") from None
