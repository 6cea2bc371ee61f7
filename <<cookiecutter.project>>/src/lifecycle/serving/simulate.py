"""Replay rows that were not used for training against a server, as they are or shifted: traffic for demos and tests."""

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
ROWS_AT_A_TIME = 2000  # so that neither requests nor responses pile up

Response = tuple[int, dict[str, Any]]
"""Status and content."""


@dataclass
class Simulation:
    """How a server answered the rows."""

    statuses: Counter[int] = field(default_factory=Counter)
    versions: Counter[int] = field(default_factory=Counter)
    score_sum: float = 0.0
    first_refusal: str = ""
    seconds: float = 0.0

    def add(self, status: int, content: dict[str, Any]) -> None:
        self.statuses[status] += 1
        if status == 200:
            self.versions[content["model_version"]] += 1
            self.score_sum += score(content)
        elif not self.first_refusal:
            self.first_refusal = str(content.get("detail", content))[:300]


def held_out(
    params: Params, shifts: dict[str, float], path: Path | None = None
) -> tuple[list[dict[str, Any]], list[Any]]:
    """Return the test rows, or those of a file like the raw one, as records, shifted, and their targets.

    A shift multiplies a column by a factor; integers stay integers. Raises DataError if there are no rows; ConfigError if
    there is no such column, or it is not numeric.
    """
    test = config.FEATURES / "test.parquet"
    if not path and not test.exists():
        raise DataError(f"{test}: no such file; `dvc repro` makes it, `dvc checkout {test}` restores it")
    columns = read_yaml(config.CONTRACT)["columns"]
    frame = read_raw(path, contract.load(config.CONTRACT, params.package), params.data) if path else read_parquet(test)
    labels = frame[params.data.target]
    target = labels.astype(object).where(labels.notna(), None).tolist()
    columns = {name: column for name, column in columns.items() if name in frame and name != params.data.target}
    for name, factor in shifts.items():
        if name not in columns or not pd.api.types.is_numeric_dtype(frame[name]):
            numeric = [column for column in columns if pd.api.types.is_numeric_dtype(frame[column])]
            raise ConfigError(f"--shift {name}: not a numeric column of the contract; those are {', '.join(numeric)}")
        shifted = frame[name] * factor
        frame[name] = shifted.round().astype(frame[name].dtype) if frame[name].dtype.kind in "iu" else shifted
    return to_records(frame, columns), target


def simulate(
    client: Client, rows: int, shifts: dict[str, float], rate: float | None, labels: bool, path: Path | None = None
) -> Simulation:
    """Send rows, one a request, over several connections at once, and return how the server answered them.

    Args:
        client: of the server.
        rows: how many; after the last one the first follows.
        shifts: column → the factor by which it is multiplied.
        rate: rows a second; as fast as they are answered, if None.
        labels: whether to report the actual outcome of each row, too.
        path: a file like the raw one; the test rows, if None.

    Raises ServerError if the server does not answer at all.
    """
    records, targets = held_out(config.load(), shifts, path)
    simulation, started = Simulation(), time.monotonic()

    def send(place: int) -> Response:
        if rate:
            time.sleep(max(0.0, started + place / rate - time.monotonic()))
        response = client.request("POST", "/predict", records[place % len(records)])
        try:
            content = response.json()
        except ValueError:  # a proxy's own text
            content = {"detail": response.text}
        label = targets[place % len(records)]
        if labels and label is not None and response.status_code == 200:
            feedback = {"request_id": content["request_id"], "label": label}
            client.request("POST", "/feedback", feedback)
        return response.status_code, content

    def responses(pool: ThreadPoolExecutor) -> Iterator[Response]:
        places = iter(range(rows))
        while some := list(islice(places, ROWS_AT_A_TIME)):
            yield from pool.map(send, some)

    client.status()
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        for status, content in responses(pool):
            simulation.add(status, content)
    simulation.seconds = time.monotonic() - started
    return simulation


def describe(simulation: Simulation) -> str:
    """Return how the server answered, in a few lines."""
    answered, rows = simulation.statuses[200], simulation.statuses.total()
    speed = f"{simulation.seconds:.1f} s ({rows / simulation.seconds:,.0f} rows/s)"
    lines = [f"{answered:,} of {rows:,} rows answered in {speed}"]
    lines += [f"  by version {version}: {count:,}" for version, count in sorted(simulation.versions.items())]
    if answered:
        lines.append(f"  mean score {simulation.score_sum / answered:.4f}")
    if simulation.first_refusal:
        refused = ", ".join(
            f"{count:,} with {status}" for status, count in sorted(simulation.statuses.items()) if status != 200
        )
        lines.append(f"  refused: {refused}, the first: {simulation.first_refusal}")
    return "\n".join(lines)
