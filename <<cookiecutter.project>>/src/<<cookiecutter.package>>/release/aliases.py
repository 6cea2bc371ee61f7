"""MLflow's aliases, which follow the ledger: set after each move, and again by the next command if that was cut off."""

import datetime
from typing import Any

from << cookiecutter.package >>.errors import ConfigError
from << cookiecutter.package >>.release import ledger
from << cookiecutter.package >>.release.ledger import State, ledger_of

CANDIDATE, STAGING, PRODUCTION = "candidate", "staging", "production"
ALIASES = (CANDIDATE, STAGING, PRODUCTION)
TRIES = 20


def align(client: Any, model: str) -> list[str]:
    """Give every alias to the version that has it by the ledger, and look again until the ledger stands still.

    Returns what had to be done, or cannot be, a line each. Raises ConfigError if the registered model is gone.
    """
    done: list[str] = []
    for _ in range(TRIES):
        last = ledger.head(client, model)
        if last is None:
            return []
        if not exists(client, model):
            raise ConfigError(
                f"registered model {model} is gone from MLflow, but its ledger is not: bring it back from a backup, "
                f"or delete {ledger_of(model)} too and start over with register"
            )
        wrong = {alias: held for alias in ALIASES if (held := holder(client, model, alias)) != last.state[alias]}
        gone = {alias for alias in wrong if (wanted := last.state[alias]) and not find(client, model, wanted, last)}
        for alias in wrong.keys() - gone:
            _give(client, model, alias, last.state[alias])
            done.append(
                f"{alias} was {_named(wrong[alias])} in MLflow and is {_named(last.state[alias])} now, as the ledger says: "
                f"its last move ({last.action}, {last.when}, {last.who}) was cut off, or somebody changed the alias by hand"
            )
        if wrong.keys() == gone:
            return done + [f"version {last.state[alias]}, which is {alias}, was deleted from MLflow" for alias in gone]
    raise ConfigError(f"the aliases of {model} keep changing: look who else moves them, then try again")


def state(client: Any, model: str, last: ledger.Move | None) -> State:
    """Return alias → version after a move; before the first one, as MLflow has them."""
    if last:
        return last.state
    return {alias: holder(client, model, alias) for alias in ALIASES} | {"before": None}


def holder(client: Any, model: str, alias: str) -> int | None:
    """Return the version that has an alias in MLflow, or None."""
    from mlflow.exceptions import MlflowException

    try:
        return int(client.get_model_version_by_alias(model, alias).version)
    except MlflowException as error:
        if error.error_code in ("INVALID_PARAMETER_VALUE", "RESOURCE_DOES_NOT_EXIST"):
            return None
        raise


def find(client: Any, model: str, version: int, last: ledger.Move | None) -> Any:
    """Return a version of the model as MLflow has it, or None if it is gone.

    So it is, too, if the ledger has it but it is younger than the last move: then somebody has deleted the model and
    made another of its name, whose versions are numbered anew.
    """
    from mlflow.exceptions import MlflowException

    try:
        found = client.get_model_version(model, str(version))
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return None
        raise
    known = last is not None and version in last.state.values()
    return None if known and found.creation_timestamp > milliseconds(last) else found


def exists(client: Any, model: str) -> bool:
    """Whether the registered model is there. MLflow's own way to ask reads all of its versions."""
    from mlflow.exceptions import MlflowException

    try:
        client.get_model_version_by_alias(model, CANDIDATE)
    except MlflowException as error:
        if error.error_code not in ("INVALID_PARAMETER_VALUE", "RESOURCE_DOES_NOT_EXIST"):
            raise
        return error.error_code == "INVALID_PARAMETER_VALUE"
    return True


def milliseconds(move: ledger.Move | None) -> float:
    """Return when a move was made, as MLflow counts."""
    return datetime.datetime.fromisoformat(move.when).timestamp() * 1000 if move else 0


def _give(client: Any, model: str, alias: str, version: int | None) -> None:
    if version is None:
        client.delete_registered_model_alias(model, alias)
    else:
        client.set_registered_model_alias(model, alias, str(version))


def _named(version: int | None) -> str:
    return "no version" if version is None else f"version {version}"
