"""serving.yaml, typed and checked in one place; environment variables take precedence."""

import os
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import Field, field_validator

from lifecycle.core.errors import ConfigError
from lifecycle.core.files import read_yaml
from lifecycle.core.section import NO_FOLDER, Folder, Section
from lifecycle.prediction_log.settings import Retention
from lifecycle.serving.server_log import Format

SERVING = Path("serving.yaml")
SHIP = ": a log is copied to a store from there (docs/serving.md)"
FOLDER_VARIABLES = {"log": "SERVING_LOG", "cache": "SERVING_CACHE"}
FORMAT_VARIABLE = "SERVING_LOG_FORMAT"


EnvironmentName = Literal["staging", "production"]
Positive = Annotated[float, Field(gt=0)]


class Server(Section):
    poll_seconds: Positive
    timeout_seconds: Positive
    max_rows: Annotated[int, Field(gt=0)]
    max_megabytes: Positive
    log: Folder
    log_refused_values: bool = False
    cache: Folder
    log_format: Format = "text"
    access_log: bool = False


class Canary(Section):
    percent: Annotated[int, Field(gt=0, le=100)]
    min_rows: Annotated[int, Field(gt=0)]
    max_error_rate: Annotated[float, Field(ge=0, lt=1)]
    max_latency_ratio: Annotated[float, Field(ge=1)]
    max_score_distance: Annotated[float, Field(gt=0, le=1)]
    wait_minutes: Annotated[float, Field(ge=0)]


class Serving(Section):
    server: Server
    log: Retention = Retention()
    environments: dict[EnvironmentName, Annotated[list[str], Field(min_length=1)]]
    canary: Canary

    @field_validator("environments")
    @classmethod
    def _valid_urls(cls, environments: dict[EnvironmentName, list[str]]) -> dict[EnvironmentName, list[str]]:
        if missing := {"staging", "production"} - environments.keys():
            raise ValueError(f"{missing.pop()} is missing")
        for url in [url for urls in environments.values() for url in urls]:
            if not url.startswith(("http://", "https://")):
                raise ValueError(f"{url!r} is not an http(s) address")
        return {name: [url.rstrip("/") for url in urls] for name, urls in environments.items()}


def load(path: Path = SERVING) -> Serving:
    """Return the checked settings.

    Raises ConfigError naming every setting that is missing, misspelt or out of range.
    """
    content = read_yaml(path)
    server, environments = content.get("server"), content.get("environments")
    if isinstance(server, dict):
        given = {name: (key, os.environ[key]) for name, key in FOLDER_VARIABLES.items() if os.environ.get(key)}
        if wrong := next((f"{key}={value}" for key, value in given.values() if "://" in value), None):
            raise ConfigError(f"{wrong} {NO_FOLDER}{SHIP}")
        server |= {name: value for name, (_, value) in given.items()}
        if form := os.environ.get(FORMAT_VARIABLE):
            if form not in get_args(Format):
                raise ConfigError(f"{FORMAT_VARIABLE}={form} must be {' or '.join(get_args(Format))}")
            server["log_format"] = form
    if isinstance(environments, dict):
        urls = {name: os.environ.get(f"{name.upper()}_URLS", "").split() for name in ("staging", "production")}
        environments |= {name: addresses for name, addresses in urls.items() if addresses}
    return Serving.checked(content, str(path))
