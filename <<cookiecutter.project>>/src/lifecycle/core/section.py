"""A section of a YAML file: typed, checked, and refused with the name of every key that is wrong."""

from pathlib import Path
from typing import Annotated, Any, Self, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from lifecycle.core.errors import ConfigError, did_you_mean

NO_FOLDER = "is an address, where a folder of this machine is needed"


def _not_an_address(value: Any) -> Any:
    if isinstance(value, str) and "://" in value:  # else a folder of that name would be made
        raise ValueError(f"{value} {NO_FOLDER}")
    return value


Share = Annotated[float, Field(gt=0, lt=1)]
Folder = Annotated[Path, Field(strict=False), BeforeValidator(_not_an_address)]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    @classmethod
    def checked(cls, content: Any, source: str, context: Any = None) -> Self:
        """Return the content of a file; its validators are given the context.

        Raises ConfigError naming the source and every key that is missing, unknown or invalid.
        """
        try:
            return cls.model_validate(content, context=context)
        except ValidationError as error:
            raise ConfigError(f"{source}: {'; '.join(_explain(item, cls) for item in error.errors())}") from None


def _explain(item: Any, section: type[Section]) -> str:
    name = ".".join(str(step) for step in item["loc"])
    if item["type"] == "missing":
        return f"{name} is missing"
    if item["type"] == "extra_forbidden":
        return f"{name} is not a parameter{did_you_mean(str(item['loc'][-1]), _keys(item['loc'][:-1], section))}"
    message = str(item["msg"]).removeprefix("Value error, ")
    if item["type"] == "value_error":
        return f"{name}: {message}" if name else message
    return f"{name} is {item['input']!r}: {message[0].lower()}{message[1:]}" if name else message


def _keys(location: tuple[Any, ...], section: type[Section]) -> list[str]:
    """The keys of the section at a location, by the types of the fields on the way there."""
    for step in location:
        if step in section.model_fields:
            kind = section.model_fields[step].annotation
            section = next((inner for inner in (kind, *_types_in(kind)) if hasattr(inner, "model_fields")), section)
    return list(section.model_fields)


def _types_in(kind: Any) -> list[Any]:
    """The types that a type is made of, such as those of a list, a mapping or a union."""
    return [inner for argument in get_args(kind) for inner in (argument, *_types_in(argument))]
