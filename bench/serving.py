"""Throughput and latency of serving over HTTP: `python bench/serving.py [--runs 3] [--seconds 5]` prints Markdown tables.

The same version of the same model and the same rows of the sample, from SQLite on one machine:

    serve                this template's `serve`: validates, logs and counts every row, and follows the registry
    mlflow models serve  MLflow's own server
    FastAPI and pyfunc   bench/apps/plain.py: a model behind FastAPI as it is usually written
    empty FastAPI        bench/apps/empty.py: a constant answer, the upper bound of anything on FastAPI

The servers run one at a time, in turns. `wrk` sends requests from the same cores over 1, 8 and 32 connections, each of which waits for
its answer before it sends the next. All servers run uvicorn with uvloop and httptools in one HTTP process.
"""

import argparse
import json
import sys
import tempfile
import time
import urllib.request
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

from load import Load, Server, load, memory_mb, need_wrk, post, started
from measure import PROJECT, machine, progress, table
from released import released, shadow

CONNECTIONS = (1, 8, 32)
MAX_CONNECTIONS = CONNECTIONS[-1]
ROWS = 400  # different ones, sent in turn
BATCH, BATCHES = 1000, 2  # rows in a batch, and connections that send batches
PAIRS = 2  # comparisons of shadow on and off in each run
OURS, MLFLOW, PLAIN, EMPTY = "serve", "mlflow models serve", "FastAPI and pyfunc", "empty FastAPI"
APPS = Path(__file__).parent / "apps"
UVICORN = ["uvicorn", "--port", "{port}", "--loop", "uvloop", "--http", "httptools", "--no-access-log"]
MODEL = f"models:/{PROJECT}/1"
# server → its command, and the path of requests; MLflow's uvicorn takes uvloop and httptools because they are installed
SERVERS = {
    OURS: ([PROJECT, "serve", "--port", "{port}"], "/predict"),
    MLFLOW: (["mlflow", "models", "serve", "-m", MODEL, "-p", "{port}", "--env-manager", "local"], "/invocations"),
    PLAIN: ([*UVICORN, "--app-dir", str(APPS), "plain:app"], "/predict"),
    EMPTY: ([*UVICORN, "--app-dir", str(APPS), "empty:app"], "/predict"),
}


@dataclass
class Measurements:
    """What was measured of a server, one value per run."""

    loads: dict[int, list[Load]] = field(default_factory=lambda: {number: [] for number in CONNECTIONS})
    cold: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)

    def median(self, name: str, connections: int = MAX_CONNECTIONS) -> float:
        return median(getattr(load, name) for load in self.loads[connections])


def write_bodies(project: Path, folder: Path) -> dict[str, Path]:
    """Write the request bodies for each server, one a line; `batch` holds those with many rows, for our server."""
    import pandas as pd

    rows = pd.read_csv(project / "data/raw/telco.csv").drop(columns="churn").sample(BATCH * 4, random_state=0)
    records = rows.astype(object).where(rows.notna(), None).to_dict("records")
    integers = list(rows.select_dtypes("integer"))
    # Their signature has no integers, for those cannot be missing, and no id.
    floats = [{name: float(value) if name in integers else value for name, value in record.items()
               if name != "customer_id"} for record in records]  # fmt: skip
    split = [{"dataframe_split": {"columns": list(row), "data": [list(row.values())]}} for row in floats]
    batches = [{"records": records[start : start + BATCH]} for start in range(0, len(records), BATCH)]
    by_server = {OURS: records, MLFLOW: split, PLAIN: floats, EMPTY: records, "batch": batches}
    for name, bodies in by_server.items():
        text = "".join(json.dumps(body) + "\n" for body in bodies[:ROWS])
        (folder / f"{name.replace(' ', '-')}.jsonl").write_text(text)
    return {name: folder / f"{name.replace(' ', '-')}.jsonl" for name in by_server}


def probability(answer: dict[str, Any]) -> float:
    return answer["predictions"][0][1] if "predictions" in answer else answer["probability"]


def checked_predictions(server: Server, name: str, bodies: Path, expected: list[float]) -> list[float]:
    """Return the first probabilities that a server predicts. Exits if they are not the expected ones."""
    lines = bodies.read_text().splitlines()[:20]
    predicted = [probability(post(server.address + SERVERS[name][1], line)) for line in lines]
    if expected and max(abs(a - b) for a, b in zip(predicted, expected, strict=True)) > 1e-9:
        sys.exit(f"{name} does not predict what {OURS} does: {predicted} and {expected}")
    return predicted


def set_shadow(server: Server, on: bool) -> None:
    """Make version 2 the shadow, or end it, and wait until the server has followed."""
    shadow(on)
    deadline = time.monotonic() + 60
    while json.load(urllib.request.urlopen(f"{server.address}/model", timeout=10))["versions"]["shadow"] != (
        2 if on else None
    ):
        if time.monotonic() > deadline:
            sys.exit("the server does not follow the registry")
        time.sleep(0.2)


def pairs(server: Server, bodies: Path, seconds: float) -> list[tuple[Load, Load]]:
    """Return what the server does without a shadow and with one, one after the other."""
    url = server.address + SERVERS[OURS][1]
    compared = []
    for _ in range(PAIRS):
        off = load(url, bodies, MAX_CONNECTIONS, seconds)
        set_shadow(server, True)
        load(url, bodies, MAX_CONNECTIONS, 1)
        compared.append((off, load(url, bodies, MAX_CONNECTIONS, seconds)))
        set_shadow(server, False)
        load(url, bodies, MAX_CONNECTIONS, 1)
    return compared


def results(measured: dict[str, Measurements], batches: list[Load], shadow_pairs: list[tuple[Load, Load]]) -> str:
    """Return the tables."""
    ours = measured[OURS]
    figures = []
    for name, server in measured.items():
        row = [name]
        for number in CONNECTIONS:
            rate, p50, p99 = (server.median(field_name, number) for field_name in ("rate", "p50", "p99"))
            row.append(f"{rate:,.0f}/s, {p50:.1f}, {p99:.1f}")
        failed = sum(load.failed for loads in server.loads.values() for load in loads)
        figures.append([*row, str(failed), f"{median(server.memory):,.0f} MB", f"{median(server.cold):.1f} s"])
    header = ["server", *(f"{number} connection{'s'[: number > 1]}" for number in CONNECTIONS)]
    first = table([*header, "not 200", "memory", "cold start"], figures)
    ratios = []
    for name in (MLFLOW, PLAIN, EMPTY):
        other, row = measured[name], [f"{OURS} : {name}"]
        row += [f"{ours.median('rate', number) / other.median('rate', number):.3g}×" for number in CONNECTIONS]
        row.append(f"{ours.median('p99') / other.median('p99'):.2g}×")
        row += [f"{median(getattr(ours, what)) / median(getattr(other, what)):.2f}×" for what in ("memory", "cold")]
        ratios.append([*row, {MLFLOW: "at least 10×", EMPTY: "at least 0.5×"}.get(name, "")])
    second = table(
        ["requests/s", *header[1:], f"p99 at {MAX_CONNECTIONS}", "memory", "cold start", f"aim at {MAX_CONNECTIONS}"],
        ratios,
    )
    p99 = [on.p99 / off.p99 for off, on in shadow_pairs]
    rates = [on.rate / off.rate for off, on in shadow_pairs]
    rows = median(load.rate for load in batches) * BATCH
    failed = sum(load.failed for load in [*batches, *(load for pair in shadow_pairs for load in pair)])
    third = table(
        [f"{OURS}", "ratio", "range", "aim"],
        [
            ["p99, shadow on : off", f"{median(p99):.2f}", f"{min(p99):.2f} to {max(p99):.2f}", "at most 1.10"],
            ["requests/s, shadow on : off", f"{median(rates):.2f}", f"{min(rates):.2f} to {max(rates):.2f}", ""],
            [f"rows/s, batches of {BATCH:,} : single rows", f"{rows / ours.median('rate'):.1f}", "", "at least 5"],
        ],
    )
    summary = f"Batches: {rows:,.0f} rows/s over {BATCHES} connections; not 200 in batches and with a shadow: {failed}."
    return f"{first}\n\n{second}\n\n{third}\n\n{summary}"


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure throughput and latency of serving over HTTP.")
    parser.add_argument("--runs", type=int, default=3, help="how often everything is measured (default: 3)")
    parser.add_argument("--seconds", type=float, default=5, help="of each load (default: 5)")
    arguments = parser.parse_args()
    wrk = need_wrk()
    measured, batches, shadow_pairs = {name: Measurements() for name in SERVERS}, [], []
    with tempfile.TemporaryDirectory(prefix="bench-serving-") as folder:
        project = released(Path(folder))
        bodies = write_bodies(project, Path(folder))
        settings = {"MODEL_URI": MODEL, "MLFLOW_TRACKING_URI": f"sqlite:///{project}/mlflow.db"}
        expected: list[float] = []
        for number in range(1, arguments.runs + 1):
            for name, (command, path) in SERVERS.items():
                progress(f"run {number} of {arguments.runs}: {name}")
                figures = measured[name]
                body = bodies[name].read_text().splitlines()[0]
                with started(command, project, path, body, **settings) as server:
                    figures.cold.append(server.cold)
                    if name != EMPTY:
                        expected = checked_predictions(server, name, bodies[name], expected)
                    load(server.address + path, bodies[name], MAX_CONNECTIONS, 2)
                    for connections in CONNECTIONS:
                        figures.loads[connections].append(
                            load(server.address + path, bodies[name], connections, arguments.seconds)
                        )
                    figures.memory.append(memory_mb(server.pid))
                    if name == OURS:
                        load(f"{server.address}/predict/batch", bodies["batch"], BATCHES, 1)
                        batches.append(
                            load(f"{server.address}/predict/batch", bodies["batch"], BATCHES, arguments.seconds)
                        )
                        shadow_pairs += pairs(server, bodies[name], arguments.seconds)
    packages = [f"{name} {version(name)}" for name in ("fastapi", "uvicorn", "uvloop", "httptools")]
    print(f"{machine()}, {', '.join(packages)}, wrk {wrk}; medians of {arguments.runs}; requests/s, p50 ms, p99 ms\n")
    print(results(measured, batches, shadow_pairs))


if __name__ == "__main__":
    main()
