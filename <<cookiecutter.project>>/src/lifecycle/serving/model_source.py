"""What is to be served, and its files: from the registry, or, while that does not answer, what was served last.

Everything here waits for disk or network: not for the event loop.
"""

import json
from contextlib import suppress
from pathlib import Path

from lifecycle.core.config import Params
from lifecycle.core.errors import ConfigError, ProjectError
from lifecycle.core.files import write_json
from lifecycle.core.tracking import store
from lifecycle.registry import ledger
from lifecycle.registry import version_cache as artifacts
from lifecycle.registry.aliases import Held, held

REACHABLE, NOT_ASKED = "reachable", "not asked yet"


class Source:
    """The registry, and a cache of its own for the servers of one alias."""

    def __init__(self, params: Params, cache: Path, alias: str) -> None:
        self.params, self.alias, self.cache = params, alias, cache / alias
        self.state = NOT_ASKED
        """Of the registry: `reachable`, or what is wrong."""
        self._connected = False
        self._last = self.cache / "served.json"
        self._kept: Held | None = None

    def wanted(self, serving: int | None) -> Held | None:
        """Return what is to be served; None for what is served already.

        `serving` is the version that answers now. It goes on if its alias has vanished from MLflow, unless the ledger says
        that it was taken away: a version that somebody has deleted is no reason to answer nothing.
        """
        try:
            with store(self.params, "it is asked again", alone=not self._connected) as client:
                found = held(client, self.params.track.model) or Held({})
                last = None
                if serving and self.alias not in found.aliases:
                    last = ledger.head(client, self.params.track.model)
            self._connected, self.state = True, REACHABLE
        except ProjectError as error:
            self.state = f"unreachable: {error}"
            return None if serving else self._served_last()
        if serving and self.alias not in found.aliases and not (last and last.state.get(self.alias) is None):
            self.state = (
                f"without a version that is {self.alias}, though none was taken away: version {serving} goes on"
            )
            return Held(found.aliases | {self.alias: serving}, found.percent)
        return found

    def fetch(self, version: int) -> Path:
        """Return the folder of a version. Raises ProjectError if it is not to be had, or is not what was registered."""
        if self._connected:
            with suppress(ConfigError), store(self.params, "it is asked again", alone=False) as client:
                return artifacts.fetch(client, self.params.track.model, version, self.cache)
        return artifacts.cached(version, self.cache)

    def keep(self, served: Held) -> None:
        """Note what is served, for a server that starts while the registry does not answer."""
        if served != self._kept and self.alias in served.aliases and self.state == REACHABLE:
            with suppress(OSError):  # tried again the next time
                write_json(served.as_json(), self._last)
                self._kept = served

    def prune(self, used: set[Path]) -> None:
        artifacts.prune(self.cache, used)

    def _served_last(self) -> Held | None:
        try:
            found = Held(**json.loads(self._last.read_text()))
        except (OSError, ValueError, TypeError):
            return None
        self.state = f"{self.state}; serving what was served last, from {self.cache}"
        return found
