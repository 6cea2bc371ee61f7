"""The version that has an alias, and its files: from MLflow or, while that does not answer, those of the last time."""

import datetime
import json
import sys
from pathlib import Path

from lifecycle.core.config import Params
from lifecycle.core.errors import DataError
from lifecycle.core.files import write_json
from lifecycle.core.outage import OutageError
from lifecycle.core.tracking import store
from lifecycle.registry import version_cache
from lifecycle.registry.aliases import held


def fetch(params: Params, alias: str, cache: Path) -> tuple[int, Path] | None:
    """Return the number of the version that has an alias, and the folder in the cache that holds its files; None if no version has it.

    While MLflow does not answer, it is the version that had the alias the last time, and a warning says so. If MLflow says which version it
    is, no other takes its place.

    Args:
        params: of the repo.
        alias: whose version.
        cache: the folder of all cached versions; also holds which version had the alias the last time.

    Raises OutageError if neither MLflow nor the cache has the version, and what `store` and `version_cache.fetch` raise.
    """
    version: int | None = None
    last = cache / f"{alias}.json"
    try:
        with store(params, f"the version that is {alias} cannot be fetched") as client:
            registered = held(client, params.track.model)
            version = registered.aliases.get(alias) if registered else None
            if version is None:
                return None
            folder = version_cache.fetch(client, params.track.model, version, cache)
    except OutageError as error:
        used = version or _last_version(last)
        try:
            if used is None:
                raise error
            folder = version_cache.cached(used, cache)
        except DataError:
            raise error from None
        when = "" if version else f", which was {alias} the last time ({_time_of(last)})"
        print(f"warning: {error}; using version {used}{when}, from {cache}", file=sys.stderr)
        return used, folder
    version_cache.prune(cache, {folder})
    write_json({"version": version}, last)
    return version, folder


def _last_version(path: Path) -> int | None:
    try:
        return int(json.loads(path.read_text())["version"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _time_of(path: Path) -> str:
    return f"{datetime.datetime.fromtimestamp(path.stat().st_mtime, datetime.UTC):%Y-%m-%d %H:%M} UTC"
