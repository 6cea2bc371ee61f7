"""Replay rows that took no part in training against a server, as they are or shifted: traffic for demos and tests."""

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd

from lifecycle.core import config, contract
from lifecycle.core.config import Params
from lifecycle.core.errors import ConfigError, DataError
from lifecycle.core.files import read_parquet, read_yaml
from lifecycle.core.raw_table import read_raw
from lifecycle.core.records import to_records
from lifecycle.serving.canary_stats import score
from lifecycle.serving.client import Client

CONNECTIONS = 8


@dataclass
class Outcome:
    """What has become of the rows."""

    statuses: Counter[int] = field(default_factory=Counter)
    versions: Counter[int] = field(default_factory=Counter)
    score: float = 0.0
    refusal: str = ""
    seconds: float = 0.0


def held_out(
    params: Params, shifts: dict[str, float], path: Path | None = None
) -> tuple[list[dict[str, Any]], list[Any]]:
    """Return the test rows, or those of a file like the raw one, as records, shifted, and their targets.

    A shift multiplies a column by a factor; whole numbers stay whole. Raises DataError if there are no rows; ConfigError if a
    column is none of theirs, or no number.
    """
    test = config.FEATURES / "test.parquet"
    if not path and not test.exists():
        raise DataError(f"{test}: no such file; `dvc repro` makes it, `dvc checkout {test}` restores it")
    columns = read_yaml(config.CONTRACT)["columns"]
    frame = read_raw(path, contract.load(config.CONTRACT, params.package)) if path else read_parquet(test)
    target = frame[params.data.target].astype(object).tolist()
    columns = {name: column for name, column in columns.items() if name in frame and name != params.data.target}
    for name, factor in shifts.items():
        if name not in columns or not pd.api.types.is_numeric_dtype(frame[name]):
            numbers = [column for column in columns if pd.api.types.is_numeric_dtype(frame[column])]
            raise ConfigError(f"--shift {name}: not a number of the contract; those are {', '.join(numbers)}")
        shifted = frame[name] * factor
        frame[name] = shifted.round().astype(frame[name].dtype) if frame[name].dtype.kind in "iu" else shifted
    return to_records(frame, columns), target


def simulate(
    client: Client, rows: int, shifts: dict[str, float], rate: float | None, labels: bool, path: Path | None = None
) -> Outcome:
    """Send rows, one request each, over several connections at once, and say what became of them.

    Args:
        rate: rows a second; as fast as they are answered, if None.
        labels: whether to tell the server what has become of each row, which is known of these.
        path: a file like the raw one; the test rows, if None.

    Raises ServerError if the server does not answer at all.
    """
    records, targets = held_out(config.load(), shifts, path)
    outcome, started = Outcome(), time.monotonic()

    def send(place: int) -> tuple[int, dict[str, Any]]:
        if rate:
            time.sleep(max(0.0, started + place / rate - time.monotonic()))
        answer = client.ask("POST", "/predict", records[place % len(records)])
        try:
            content = answer.json()
        except ValueError:  # uvicorn's own word, when there are too many connections
            content = {"detail": answer.text}
        if labels and answer.status_code == 200:
            label = {"request_id": content["request_id"], "label": targets[place % len(records)]}
            client.ask("POST", "/feedback", label)
        return answer.status_code, content

    def bounded(pool: ThreadPoolExecutor) -> Iterator[tuple[int, dict[str, Any]]]:
        """A few thousand at a time: neither the requests nor the answers pile up."""
        places = iter(range(rows))
        while part := list(islice(places, 2000)):
            yield from pool.map(send, part)

    client.status()
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        for status, content in bounded(pool):
            outcome.statuses[status] += 1
            if status == 200:
                outcome.versions[content["model_version"]] += 1
                outcome.score += score(content)
            elif not outcome.refusal:
                outcome.refusal = str(content.get("detail", content))[:300]
    outcome.seconds = time.monotonic() - started
    return outcome


def describe(outcome: Outcome) -> str:
    """Return the outcome in a few lines."""
    good, all_rows = outcome.statuses[200], outcome.statuses.total()
    lines = [
        f"{good:,} of {all_rows:,} rows answered in {outcome.seconds:.1f} s ({all_rows / outcome.seconds:,.0f} rows/s)"
    ]
    lines += [f"  by version {version}: {count:,}" for version, count in sorted(outcome.versions.items())]
    if good:
        lines.append(f"  mean score {outcome.score / good:.4f}")
    if outcome.refusal:
        refused = ", ".join(
            f"{count:,} with {status}" for status, count in sorted(outcome.statuses.items()) if status != 200
        )
        lines.append(f"  refused: {refused}, the first: {outcome.refusal}")
    return "\n".join(lines)
