"""The versions to serve and their files: from the registry or, while it does not answer, those that were served last.

Everything here waits for disk or network, so none of it may run on the event loop.
"""

import json
from contextlib import suppress
from pathlib import Path

from lifecycle.core.config import Params
from lifecycle.core.errors import ConfigError, DataError, ProjectError
from lifecycle.core.files import write_json
from lifecycle.core.tracking import store
from lifecycle.registry import ledger, version_cache
from lifecycle.registry.aliases import Held, held

REACHABLE, NOT_ASKED = "reachable", "not asked yet"
RETRYING = "retrying"


class ModelSource:
    """The registry, and a cache of its own for the servers of one alias."""

    def __init__(self, params: Params, cache: Path, alias: str) -> None:
        self.params, self.alias, self.cache = params, alias, cache / alias
        self.state = NOT_ASKED
        """Of the registry: `reachable`, or what is wrong."""
        self._connected = False
        self._last_served = self.cache / "served.json"
        self._saved: Held | None = None

    def target(self, serving: int | None) -> Held | None:
        """Return the versions to serve; None to leave everything as it is.

        `serving` is the version that answers now. It stays if its alias has vanished from MLflow, unless the ledger shows
        that it was removed: a version that was deleted by mistake must not take the service down.
        """
        try:
            with store(self.params, RETRYING, alone=not self._connected) as client:
                aliases = held(client, self.params.track.model) or Held({})
                last_move = None
                if serving and self.alias not in aliases.aliases:
                    last_move = ledger.head(client, self.params.track.model)
            self._connected, self.state = True, REACHABLE
        except ProjectError as error:
            self.state = f"unreachable: {error}"
            return None if serving else self._load_last_served()
        removed = last_move is not None and last_move.state.get(self.alias) is None
        if serving and self.alias not in aliases.aliases and not removed:
            self.state = (
                f"without the alias {self.alias}, which the ledger does not show as removed: "
                f"version {serving} stays in service"
            )
            return Held(aliases.aliases | {self.alias: serving}, aliases.percent)
        return aliases

    def fetch(self, version: int) -> Path:
        """Return the folder of a version. Raises ProjectError if it cannot be had, or is not what was registered."""
        cause = None
        if self._connected:
            try:
                with store(self.params, "it is not in the cache either", alone=False) as client:
                    return version_cache.fetch(client, self.params.track.model, version, self.cache)
            except ConfigError as error:  # MLflow, or the storage behind it, does not answer
                cause = error
        try:
            return version_cache.cached(version, self.cache)
        except DataError:
            if cause:
                raise cause from None
            raise

    def remember(self, served: Held) -> None:
        """Write down what is served, for a server that starts while the registry does not answer."""
        if served != self._saved and self.alias in served.aliases and self.state == REACHABLE:
            with suppress(OSError):  # tried again the next time
                write_json(served.as_json(), self._last_served)
                self._saved = served

    def prune(self, used: set[Path]) -> None:
        """Remove cached versions that are not in use, but for the last few."""
        version_cache.prune(self.cache, used)

    def _load_last_served(self) -> Held | None:
        try:
            last = Held(**json.loads(self._last_served.read_text()))
        except (OSError, ValueError, TypeError):
            return None
        self.state = f"{self.state}; serving what was served last, from {self.cache}"
        return last
