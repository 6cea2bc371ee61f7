"""Which version is watched, and its files: from the registry, or, while that does not answer, what was watched last."""

import json
import sys
from pathlib import Path

from lifecycle.core.config import Params
from lifecycle.core.errors import ConfigError
from lifecycle.core.files import write_json
from lifecycle.core.tracking import store
from lifecycle.registry import version_cache as artifacts
from lifecycle.registry.aliases import held


def fetched(params: Params, alias: str, cache: Path) -> tuple[int, Path]:
    """Return the number of the version that has an alias and the folder of its files, which are kept in a cache.

    Raises ConfigError if no version has it, or neither MLflow nor the cache has its files.
    """
    last = cache / f"{alias}.json"
    try:
        with store(params, "which version is to be watched is not known") as client:
            found = held(client, params.track.model)
            version = found.aliases.get(alias) if found else None
            if version is None:
                raise ConfigError(f"no version of {params.track.model} is {alias}, so there is nothing to watch")
            folder = artifacts.fetch(client, params.track.model, version, cache)
    except ConfigError as error:
        if error.__cause__ is None:  # MLflow has answered
            raise
        kept = _last(last)
        if kept is None:
            raise
        print(f"warning: {error}; going by version {kept}, which was {alias} the last time", file=sys.stderr)
        return kept, artifacts.cached(kept, cache)
    artifacts.prune(cache, {folder})
    write_json({"version": version}, last)
    return version, folder


def _last(path: Path) -> int | None:
    try:
        return int(json.loads(path.read_text())["version"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
