"""The ledger of moves: which version was candidate, staging or production, when, by whom and why.

It is stored in MLflow as the versions of a second registered model, `<model>-ledger`. A record is one version: written whole or
not at all, numbered by the store in the order of arrival, and never changed. Each names the record it builds upon, and
of several that build upon the same one only the first counts. So one of two simultaneous moves wins, without a lock that a killed
process could leave behind. The last record that counts is the current state; MLflow's aliases follow it.
"""

import datetime
import json
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

PAGE = 20
State = dict[str, int | None]


@dataclass(frozen=True)
class Move:
    """One record: an alias was given to a version."""

    action: str
    """`register`, `promote` or `rollback`; `try` or `stop` of a trial; `withdraw` of a move that was taken back."""
    alias: str
    version: int
    previous: int | None
    """The version that had the alias until then."""
    reason: str
    who: str
    commit: str
    """The git commit whose dvc.lock names the version's model."""
    gate: str
    """The gate's verdict on the version, in one line."""
    base: int
    """The number of the record that this one builds upon; 0 for the first."""
    state: State
    """Alias → version after the move; `before` is the version that was in production before the one that is now."""
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    number: int = 0
    """Given by the store, as is `when`."""
    when: str = ""
    """UTC, ISO 8601."""
    percent: int = 0
    """The share of rows that the canary answers after the move."""

    @property
    def time(self) -> datetime.datetime:
        """When it was made."""
        return datetime.datetime.fromisoformat(self.when)


def append(client: "MlflowClient", model: str, move: Move) -> None:
    """Write a record; `head` decides whether it counts."""
    content = {name: value for name, value in asdict(move).items() if name not in ("number", "when")}
    tags = {name: value if isinstance(value, str) else json.dumps(value) for name, value in content.items()}
    client.create_model_version(
        ledger_of(model),
        f"models:/{model}/{move.version}",
        tags=tags,
        description=f"{move.action}: version {move.version} is {move.alias}. {move.who}: {move.reason}",
        await_creation_for=0,
    )


def head(client: "MlflowClient", model: str) -> Move | None:
    """Return the last record that counts, or None. One page is read, unless that many moves have lost a race."""
    records: list[Move] = []
    for record in _newest_first(client, _all(model), PAGE):
        if records and record.number <= records[0].base:
            break
        records.append(record)
    # The record that the newest builds upon counted when the newest was written, and all that came after it have been read.
    return fold(records[::-1], records[0].base)[-1] if records else None


def history(client: "MlflowClient", model: str) -> list[Move]:
    """Return all records that count, the first one first."""
    return fold(list(_newest_first(client, _all(model), 1000))[::-1])


def successor(client: "MlflowClient", model: str, base: int) -> Move | None:
    """Return the record that counts among those that build upon the one with number `base`, a recent one."""
    first = None
    for record in _newest_first(client, _all(model), PAGE):
        if record.number <= base:
            break
        first = record if record.base == base else first
    return first


def has_had(client: "MlflowClient", model: str, alias: str, version: int) -> bool:
    """Whether a version has ever had an alias."""
    where = f"name = '{ledger_of(model)}' and tags.alias = '{alias}' and tags.version = '{version}'"
    records = filter(None, map(_move, client.search_model_versions(where, max_results=PAGE)))
    return any(_counts(client, model, record) for record in records)


def latest(client: "MlflowClient", model: str, alias: str) -> Move | None:
    """Return the last move of an alias that counts, or None."""
    where = f"name = '{ledger_of(model)}' and tags.alias = '{alias}'"
    for record in _newest_first(client, where, PAGE):
        if _counts(client, model, record):
            return record
    return None


def fold(records: list[Move], start: int = 0) -> list[Move]:
    """Return the records that count, in order: each the first that builds upon the one before.

    `records` are all that have numbers above `start`; the record with number `start` counts. A record also counts if the one
    that it builds upon has been deleted.
    """
    numbers = {record.number for record in records}
    counting: list[Move] = []
    last = start
    for record in records:
        if record.base == last or (record.base > last and record.base not in numbers):
            counting.append(record)
            last = record.number
    return counting


def ledger_of(model: str) -> str:
    """Return the name of a model's ledger."""
    return f"{model}-ledger"


def _all(model: str) -> str:
    return f"name = '{ledger_of(model)}'"


def _counts(client: "MlflowClient", model: str, record: Move) -> bool:
    """Whether a record is the first that builds upon its base."""
    rivals = f"name = '{ledger_of(model)}' and tags.base = '{record.base}'"
    first, *_ = client.search_model_versions(rivals, max_results=1, order_by=["version_number ASC"])
    return int(first.version) == record.number


def _newest_first(client: "MlflowClient", where: str, size: int) -> Iterator[Move]:
    token = None
    while True:
        page = client.search_model_versions(where, max_results=size, order_by=["version_number DESC"], page_token=token)
        yield from filter(None, map(_move, page))
        token = page.token
        if not token:
            return


def _move(version: "ModelVersion") -> Move | None:
    """The record in a version, or None for a version that somebody has made by hand."""
    tags = dict(version.tags)
    when = datetime.datetime.fromtimestamp(version.creation_timestamp / 1000, datetime.UTC)
    try:
        for name in ("version", "previous", "base", "state"):
            tags[name] = json.loads(tags[name])
        tags["percent"] = json.loads(tags.get("percent", "0"))
        fields = {name: tags[name] for name in Move.__dataclass_fields__ if name in tags}
        return Move(**fields, number=int(version.version), when=when.isoformat(timespec="milliseconds"))
    except (KeyError, TypeError, ValueError):
        return None
