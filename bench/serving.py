"""What answering over HTTP costs: `python bench/serving.py [--runs 3] [--seconds 5]` prints Markdown tables.

The same version of the same model and the same rows of the sample, from SQLite on one machine:

    serve                this template's `serve`: contract held, answers logged, counted, in step with the registry
    mlflow models serve  what MLflow offers
    FastAPI and pyfunc   bench/apps/plain.py: a model behind FastAPI as people write it
    empty FastAPI        bench/apps/empty.py: answers without looking, which nothing on FastAPI can surpass

One server at a time, in turns; each is asked by `wrk`, on the same cores, over 1, 8 and 32 connections, each of which waits for its
answer before it asks again. All run uvicorn with uvloop and httptools, in one process that speaks HTTP.
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
MOST = CONNECTIONS[-1]
ROWS = 400  # different ones, asked in turn
BATCH, BATCHES = 1000, 2  # rows in a batch, and connections that ask for them
PAIRS = 2  # comparisons of shadow on and off in each run
OURS, MLFLOW, PLAIN, EMPTY = "serve", "mlflow models serve", "FastAPI and pyfunc", "empty FastAPI"
APPS = Path(__file__).parent / "apps"
UVICORN = ["uvicorn", "--port", "{port}", "--loop", "uvloop", "--http", "httptools", "--no-access-log"]
MODEL = f"models:/{PROJECT}/1"
# server → its command, and where it is asked; MLflow's uvicorn takes uvloop and httptools because they are installed
SERVERS = {
    OURS: ([PROJECT, "serve", "--port", "{port}"], "/predict"),
    MLFLOW: (["mlflow", "models", "serve", "-m", MODEL, "-p", "{port}", "--env-manager", "local"], "/invocations"),
    PLAIN: ([*UVICORN, "--app-dir", str(APPS), "plain:app"], "/predict"),
    EMPTY: ([*UVICORN, "--app-dir", str(APPS), "empty:app"], "/predict"),
}


@dataclass
class Found:
    """What was measured of a server, a value per run."""

    loads: dict[int, list[Load]] = field(default_factory=lambda: {number: [] for number in CONNECTIONS})
    cold: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)

    def middle(self, what: str, connections: int = MOST) -> float:
        return median(getattr(one, what) for one in self.loads[connections])


def write_bodies(project: Path, folder: Path) -> dict[str, Path]:
    """Write what each server is asked, a body a line; `batch` is what our server is asked for many rows at once."""
    import pandas as pd

    rows = pd.read_csv(project / "data/raw/telco.csv").drop(columns="churn").sample(BATCH * 4, random_state=0)
    records = rows.astype(object).where(rows.notna(), None).to_dict("records")
    integers = list(rows.select_dtypes("integer"))
    # Their signature has no integers, for those cannot be missing, and no id.
    floats = [{name: float(value) if name in integers else value for name, value in record.items()
               if name != "customer_id"} for record in records]  # fmt: skip
    split = [{"dataframe_split": {"columns": list(one), "data": [list(one.values())]}} for one in floats]
    batches = [{"records": records[start : start + BATCH]} for start in range(0, len(records), BATCH)]
    found = {OURS: records, MLFLOW: split, PLAIN: floats, EMPTY: records, "batch": batches}
    for name, bodies in found.items():
        text = "".join(json.dumps(body) + "\n" for body in bodies[:ROWS])
        (folder / f"{name.replace(' ', '-')}.jsonl").write_text(text)
    return {name: folder / f"{name.replace(' ', '-')}.jsonl" for name in found}


def probability(answer: dict[str, Any]) -> float:
    return answer["predictions"][0][1] if "predictions" in answer else answer["probability"]


def answers_alike(server: Server, name: str, bodies: Path, expected: list[float]) -> list[float]:
    """Return the first probabilities a server gives. Exits if they are not those of the others."""
    lines = bodies.read_text().splitlines()[:20]
    found = [probability(post(server.address + SERVERS[name][1], line)) for line in lines]
    if expected and max(abs(a - b) for a, b in zip(found, expected, strict=True)) > 1e-9:
        sys.exit(f"{name} does not answer what {OURS} does: {found} and {expected}")
    return found


def with_shadow(server: Server, wanted: bool) -> None:
    """Put version 2 beside production, or take it away, and wait until the server has followed."""
    shadow(wanted)
    deadline = time.monotonic() + 60
    while json.load(urllib.request.urlopen(f"{server.address}/model", timeout=10))["versions"]["shadow"] != (
        2 if wanted else None
    ):
        if time.monotonic() > deadline:
            sys.exit("the server does not follow the registry")
        time.sleep(0.2)


def pairs(server: Server, bodies: Path, seconds: float) -> list[tuple[Load, Load]]:
    """Return what the server does without a shadow and with one, one after the other."""
    url = server.address + SERVERS[OURS][1]
    found = []
    for _ in range(PAIRS):
        off = load(url, bodies, MOST, seconds)
        with_shadow(server, True)
        load(url, bodies, MOST, 1)
        found.append((off, load(url, bodies, MOST, seconds)))
        with_shadow(server, False)
        load(url, bodies, MOST, 1)
    return found


def results(found: dict[str, Found], batches: list[Load], beside: list[tuple[Load, Load]]) -> str:
    """Return the tables."""
    ours = found[OURS]
    figures = []
    for name, one in found.items():
        row = [name]
        for number in CONNECTIONS:
            rate, p50, p99 = (one.middle(what, number) for what in ("rate", "p50", "p99"))
            row.append(f"{rate:,.0f}/s, {p50:.1f}, {p99:.1f}")
        failed = sum(single.failed for loads in one.loads.values() for single in loads)
        figures.append([*row, str(failed), f"{median(one.memory):,.0f} MB", f"{median(one.cold):.1f} s"])
    header = ["server", *(f"{number} connection{'s'[: number > 1]}" for number in CONNECTIONS)]
    first = table([*header, "not 200", "memory", "cold start"], figures)
    ratios = []
    for name in (MLFLOW, PLAIN, EMPTY):
        other, row = found[name], [f"{OURS} : {name}"]
        row += [f"{ours.middle('rate', number) / other.middle('rate', number):.3g}×" for number in CONNECTIONS]
        row.append(f"{ours.middle('p99') / other.middle('p99'):.2g}×")
        row += [f"{median(getattr(ours, what)) / median(getattr(other, what)):.2f}×" for what in ("memory", "cold")]
        ratios.append([*row, {MLFLOW: "at least 10×", EMPTY: "at least 0.33×"}.get(name, "")])
    second = table(
        ["requests/s", *header[1:], f"p99 at {MOST}", "memory", "cold start", f"aim at {MOST}"],
        ratios,
    )
    p99 = [on.p99 / off.p99 for off, on in beside]
    rates = [on.rate / off.rate for off, on in beside]
    rows = median(one.rate for one in batches) * BATCH
    failed = sum(one.failed for one in [*batches, *(load for pair in beside for load in pair)])
    third = table(
        [f"{OURS}", "ratio", "range", "aim"],
        [
            ["p99, shadow on : off", f"{median(p99):.2f}", f"{min(p99):.2f} to {max(p99):.2f}", "at most 1.10"],
            ["requests/s, shadow on : off", f"{median(rates):.2f}", f"{min(rates):.2f} to {max(rates):.2f}", ""],
            [f"rows/s, batches of {BATCH:,} : single rows", f"{rows / ours.middle('rate'):.1f}", "", "at least 5"],
        ],
    )
    said = f"Batches: {rows:,.0f} rows/s over {BATCHES} connections; not 200 in batches and with a shadow: {failed}."
    return f"{first}\n\n{second}\n\n{third}\n\n{said}"


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure what answering over HTTP costs.")
    parser.add_argument("--runs", type=int, default=3, help="how often everything is measured (default: 3)")
    parser.add_argument("--seconds", type=float, default=5, help="of each load (default: 5)")
    wanted = parser.parse_args()
    wrk = need_wrk()
    found, batches, beside = {name: Found() for name in SERVERS}, [], []
    with tempfile.TemporaryDirectory(prefix="bench-serving-") as folder:
        project = released(Path(folder))
        bodies = write_bodies(project, Path(folder))
        settings = {"MODEL_URI": MODEL, "MLFLOW_TRACKING_URI": f"sqlite:///{project}/mlflow.db"}
        expected: list[float] = []
        for number in range(1, wanted.runs + 1):
            for name, (command, path) in SERVERS.items():
                progress(f"run {number} of {wanted.runs}: {name}")
                one = found[name]
                body = bodies[name].read_text().splitlines()[0]
                with started(command, project, path, body, **settings) as server:
                    one.cold.append(server.cold)
                    if name != EMPTY:
                        expected = answers_alike(server, name, bodies[name], expected)
                    load(server.address + path, bodies[name], MOST, 2)
                    for connections in CONNECTIONS:
                        one.loads[connections].append(
                            load(server.address + path, bodies[name], connections, wanted.seconds)
                        )
                    one.memory.append(memory_mb(server.pid))
                    if name == OURS:
                        load(f"{server.address}/predict/batch", bodies["batch"], BATCHES, 1)
                        batches.append(
                            load(f"{server.address}/predict/batch", bodies["batch"], BATCHES, wanted.seconds)
                        )
                        beside += pairs(server, bodies[name], wanted.seconds)
    packages = [f"{name} {version(name)}" for name in ("fastapi", "uvicorn", "uvloop", "httptools")]
    print(f"{machine()}, {', '.join(packages)}, wrk {wrk}; medians of {wanted.runs}; requests/s, p50 ms, p99 ms\n")
    print(results(found, batches, beside))


if __name__ == "__main__":
    main()
