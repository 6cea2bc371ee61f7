"""Where the prediction log is, and how long it is kept."""

import os
from pathlib import Path
from typing import Annotated

from pydantic import Field

from lifecycle.core.errors import ConfigError
from lifecycle.core.files import read_yaml
from lifecycle.core.section import Section

SERVING = Path("serving.yaml")
LOG = "SERVING_LOG"


class Retention(Section):
    """The section `log` of serving.yaml."""

    keep_days: Annotated[int, Field(gt=0)] | None = None
    """None: for ever."""


def location(option: str | None = None, setting: str | None = None) -> Path | str:
    """Return the folder of the prediction log, or its URL.

    The first of these that is there: `option` (of the command line), SERVING_LOG in the environment, `setting` (of the part that
    reads the log), `server.log` of serving.yaml. Raises ConfigError if none is, or the folder does not exist.
    """
    log = option or os.environ.get(LOG, "").strip() or setting or _of_the_server()
    if "://" not in log and not Path(log).is_dir():
        raise ConfigError(f"{log}: no such folder; name the folder that servers write the prediction log to with --log")
    return log


def folder(option: str | None = None) -> Path:
    """Return the folder of the prediction log, for what changes it. Raises ConfigError if it is a URL, or does not exist."""
    log = location(option)
    if "://" in str(log):
        raise ConfigError(
            f"{log}: what changes the log needs a folder: run this where the log is one, with --log, and copy it then"
        )
    return Path(log)


def retention() -> Retention:
    """Return how long the log is kept. Raises ConfigError if the setting is misspelt or out of range."""
    section = read_yaml(SERVING).get("log") if SERVING.exists() else None
    return Retention.checked(section or {}, f"{SERVING}: log")


def _of_the_server() -> str:
    """Read this one key; the rest of the file belongs to serving."""
    server = read_yaml(SERVING).get("server") if SERVING.exists() else None
    log = server.get("log") if isinstance(server, dict) else None
    if not log:
        raise ConfigError(f"the prediction log is nowhere named: give --log, set {LOG}, or server.log of {SERVING}")
    return str(log)
