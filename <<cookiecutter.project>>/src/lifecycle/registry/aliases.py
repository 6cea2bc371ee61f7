"""MLflow's aliases, which follow the ledger: set after each move, or by the next command if that was interrupted."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from lifecycle.core.errors import ConfigError
from lifecycle.registry import ledger
from lifecycle.registry.ledger import State, ledger_of

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion, RegisteredModel

CANDIDATE, STAGING, PRODUCTION = "candidate", "staging", "production"
CANARY, SHADOW = "canary", "shadow"  # on trial beside production
ALIASES = (CANDIDATE, STAGING, PRODUCTION, CANARY, SHADOW)
PERCENT = "canary.percent"  # tag of the registered model: the share of rows that the canary answers
MAX_TRIES = 20


@dataclass(frozen=True)
class Held:
    """The aliases in MLflow: alias → version, and the canary's share of the rows in percent."""

    aliases: dict[str, int]
    percent: int = 0

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def align(client: "MlflowClient", model: str) -> list[str]:
    """Give every alias to the version that has it in the ledger, and repeat until the ledger has not changed meanwhile.

    Returns a line for each alias that was corrected, or cannot be. Raises ConfigError if the registered model is gone.
    """
    lines: list[str] = []
    for _ in range(MAX_TRIES):
        last = ledger.head(client, model)
        if last is None:
            return []
        current = held(client, model)
        if current is None:
            raise ConfigError(
                f"registered model {model} is gone from MLflow, but its ledger is not: restore it from a backup, "
                f"or delete {ledger_of(model)} too and start over with register"
            )
        if current.percent != last.percent:
            client.set_registered_model_tag(model, PERCENT, str(last.percent))
        wrong = {alias for alias in ALIASES if current.aliases.get(alias) != last.state.get(alias)}
        gone = {alias for alias in wrong if _is_gone(client, model, last, alias)}
        for alias in wrong - gone:
            _give(client, model, alias, last.state.get(alias))
            lines.append(
                f"{alias} was {_named(current.aliases.get(alias))} in MLflow and is now {_named(last.state.get(alias))}, as in "
                f"the ledger: its last move ({last.action}, {last.when}, {last.who}) was interrupted, or somebody changed "
                "the alias by hand"
            )
        if wrong == gone:
            return lines + [f"version {last.state[alias]}, which is {alias}, was deleted from MLflow" for alias in gone]
    raise ConfigError(f"the aliases of {model} keep changing: find out who else moves them, then try again")


def state(client: "MlflowClient", model: str, last: ledger.Move | None) -> State:
    """Return alias → version after a move; before the first one, as MLflow has them."""
    if last:
        return dict.fromkeys(ALIASES) | last.state
    current = held(client, model)
    return {alias: current.aliases.get(alias) if current else None for alias in ALIASES} | {"before": None}


def held(client: "MlflowClient", model: str) -> Held | None:
    """Return the aliases in MLflow, read in one call, or None if there is no such model."""
    registered: RegisteredModel | None = _or_none(lambda: client.get_registered_model(model))
    if not registered:
        return None
    percent = registered.tags.get(PERCENT, "0")
    aliases = {alias: int(version) for alias, version in registered.aliases.items()}
    return Held(aliases, int(percent) if percent.isdecimal() else 0)


def find(client: "MlflowClient", model: str, version: int, last: ledger.Move | None) -> "ModelVersion | None":
    """Return a version of the model, or None if it is gone.

    A version in the ledger that is younger than the last move counts as gone: somebody has deleted the model and made
    another of its name, whose versions are numbered anew.
    """
    there: ModelVersion | None = _or_none(lambda: client.get_model_version(model, str(version)))
    if there and last and version in last.state.values() and there.creation_timestamp > 1000 * last.time.timestamp():
        return None
    return there


def _is_gone(client: "MlflowClient", model: str, last: ledger.Move, alias: str) -> bool:
    version = last.state.get(alias)
    return version is not None and find(client, model, version, last) is None


def _or_none(read: Callable[[], Any]) -> Any:
    """The result of reading from MLflow, or None if there is no such thing."""
    from mlflow.exceptions import MlflowException

    try:
        return read()
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return None
        raise


def _give(client: "MlflowClient", model: str, alias: str, version: int | None) -> None:
    if version is None:
        client.delete_registered_model_alias(model, alias)
    else:
        client.set_registered_model_alias(model, alias, str(version))


def _named(version: int | None) -> str:
    return "no version" if version is None else f"version {version}"
