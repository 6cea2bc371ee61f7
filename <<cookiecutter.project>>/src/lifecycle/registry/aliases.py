"""MLflow's aliases, which follow the ledger: set after each move, and again by the next command if that was cut off."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from lifecycle.core.errors import ConfigError
from lifecycle.registry import ledger
from lifecycle.registry.ledger import State, ledger_of

CANDIDATE, STAGING, PRODUCTION = "candidate", "staging", "production"
CANARY, SHADOW = "canary", "shadow"  # tried beside production
ALIASES = (CANDIDATE, STAGING, PRODUCTION, CANARY, SHADOW)
PERCENT = "canary.percent"  # tag of the registered model: the share of rows that the canary answers
TRIES = 20


@dataclass(frozen=True)
class Held:
    """What MLflow says: alias → version, and the canary's share of the rows in percent."""

    aliases: dict[str, int]
    percent: int = 0

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def align(client: Any, model: str) -> list[str]:
    """Give every alias to the version that has it by the ledger, and look again until the ledger stands still.

    Returns what had to be done, or cannot be, a line each. Raises ConfigError if the registered model is gone.
    """
    done: list[str] = []
    for _ in range(TRIES):
        last = ledger.head(client, model)
        if last is None:
            return []
        found = held(client, model)
        if found is None:
            raise ConfigError(
                f"registered model {model} is gone from MLflow, but its ledger is not: bring it back from a backup, "
                f"or delete {ledger_of(model)} too and start over with register"
            )
        if found.percent != last.percent:
            client.set_registered_model_tag(model, PERCENT, str(last.percent))
        now = found.aliases
        wrong = {alias: now.get(alias) for alias in ALIASES if now.get(alias) != last.state.get(alias)}
        gone = {alias for alias in wrong if (wanted := last.state.get(alias)) and not find(client, model, wanted, last)}
        for alias in wrong.keys() - gone:
            wanted = last.state.get(alias)
            _give(client, model, alias, wanted)
            done.append(
                f"{alias} was {_named(wrong[alias])} in MLflow and is {_named(wanted)} now, as the ledger says: "
                f"its last move ({last.action}, {last.when}, {last.who}) was cut off, or somebody changed the alias by hand"
            )
        if wrong.keys() == gone:
            return done + [f"version {last.state[alias]}, which is {alias}, was deleted from MLflow" for alias in gone]
    raise ConfigError(f"the aliases of {model} keep changing: look who else moves them, then try again")


def state(client: Any, model: str, last: ledger.Move | None) -> State:
    """Return alias → version after a move; before the first one, as MLflow has them."""
    if last:
        return dict.fromkeys(ALIASES) | last.state
    found = held(client, model)
    return {alias: found.aliases.get(alias) if found else None for alias in ALIASES} | {"before": None}


def held(client: Any, model: str) -> Held | None:
    """Return what MLflow says, in one call, or None if it has no such model."""
    found = _there(lambda: client.get_registered_model(model))
    if not found:
        return None
    percent = found.tags.get(PERCENT, "0")
    aliases = {alias: int(version) for alias, version in found.aliases.items()}
    return Held(aliases, int(percent) if percent.isdecimal() else 0)


def find(client: Any, model: str, version: int, last: ledger.Move | None) -> Any:
    """Return a version of the model as MLflow has it, or None if it is gone.

    So it is, too, if the ledger has it but it is younger than the last move: then somebody has deleted the model and
    made another of its name, whose versions are numbered anew.
    """
    found = _there(lambda: client.get_model_version(model, str(version)))
    if found and last and version in last.state.values() and found.creation_timestamp > 1000 * last.time.timestamp():
        return None
    return found


def _there(ask: Callable[[], Any]) -> Any:
    from mlflow.exceptions import MlflowException

    try:
        return ask()
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return None
        raise


def _give(client: Any, model: str, alias: str, version: int | None) -> None:
    if version is None:
        client.delete_registered_model_alias(model, alias)
    else:
        client.set_registered_model_alias(model, alias, str(version))


def _named(version: int | None) -> str:
    return "no version" if version is None else f"version {version}"
