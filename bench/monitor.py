"""`monitor` against Evidently on all rows: `python bench/monitor.py [--rows 10000 1000000 10000000] [--runs 3]` prints a Markdown table.

A log of one server and one day, its rows drawn from the test split, is read by both, each a process of its own under the clock:

    monitor     the command as a person types it: registry, reference, log, drift, quality, report, MLflow
    all rows    the same log through Arrow's JSON reader into one pandas table, and Evidently's DataDriftPreset with the same
                distances on all of it, saved as HTML: what a notebook would do, with the fastest reader there is
    reading     the columns of the log alone, a block at a time, and nothing else: what `monitor` cannot do without
    compacted   `monitor` once more, when `log compact` has written the day to Parquet

Aim: memory flat in rows, and at ten million rows at least ten times faster than Evidently on all of them.
"""

import argparse
import json
import random
import shutil
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

from measure import Usage, machine, progress, run, table
from released import in_production

DAY = datetime(2026, 1, 31, tzinfo=UTC)
LOG = "logs/bench"
RECORDS = """
import json
from pathlib import Path
import pandas as pd
from lifecycle.core import config
from lifecycle.core.files import read_parquet, read_yaml
from lifecycle.core.records import to_records
frame, said = read_parquet(config.FEATURES / "test.parquet"), read_parquet(config.PREDICTIONS)
columns = {name: column for name, column in read_yaml(config.CONTRACT)["columns"].items() if name != "churn"}
for record, label, probability in zip(to_records(frame, columns), said["prediction"], said["probability"]):
    print(json.dumps({"inputs": record, "label": label, "probability": probability}, separators=(",", ":")))
"""
ALL_ROWS = f"""
import os
os.environ["DO_NOT_TRACK"] = "1"
from pathlib import Path
import pandas as pd
import pyarrow, pyarrow.json
from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataDriftPreset
reference = pd.read_parquet("data/reference/reference.parquet").drop(columns="actual")
numbers = [name for name in reference if reference[name].dtype.kind == "f" and reference[name].nunique() > 10]
others = [name for name in reference if name not in numbers]
inputs = [(name.removeprefix("inputs."), pyarrow.float64() if reference[name].dtype.kind == "f" else pyarrow.string())
          for name in reference if name.startswith("inputs.")]
fields = pyarrow.schema([("inputs", pyarrow.struct(inputs)), ("probability", pyarrow.float64())])
options = pyarrow.json.ParseOptions(explicit_schema=fields, unexpected_field_behavior="ignore")
(path,) = Path("{LOG}").glob("*/*.jsonl")
current = pyarrow.json.read_json(path, parse_options=options).flatten().to_pandas(self_destruct=True)
definition = DataDefinition(numerical_columns=numbers, categorical_columns=others)
method = {{name: "wasserstein" if name in numbers else "jensenshannon" for name in reference}}
preset = DataDriftPreset(columns=list(reference), per_column_method=method, threshold=0.1)
sides = [Dataset.from_pandas(side[list(reference)], data_definition=definition) for side in (current, reference)]
Report([preset]).run(*sides).save_html("all_rows.html")
"""
READING = f"""
import datetime
from lifecycle.core import config
from lifecycle.core.reference import log_schema, read
from lifecycle.core.times import Window
from lifecycle.prediction_log import reader
import pyarrow
day = datetime.datetime(2026, 1, 31, tzinfo=datetime.UTC)
fields = pyarrow.schema([*reader.HEAD, *log_schema(read(config.REFERENCE).schema)])
for lines in reader.blocks("{LOG}", Window(day, day + datetime.timedelta(days=1)), "jsonl"):
    reader.parse(lines, fields)
"""
MONITOR = ["telco-churn", "monitor", "--since", f"{DAY:%Y-%m-%d}", "--until", f"{DAY + timedelta(days=1):%Y-%m-%d}"]
COMMANDS = {
    "monitor": [*MONITOR, "--log", LOG],
    "all rows": [sys.executable, "-c", ALL_ROWS],
    "reading": [sys.executable, "-c", READING],
}
COMPACTED = "compacted"


def write_log(path: Path, records: list[str], rows: int) -> None:
    """Write a log of so many rows, evenly over the day."""
    path.parent.mkdir(parents=True, exist_ok=True)
    chance = random.Random(1)
    with path.open("w") as file:
        for number in range(rows):
            moment = (DAY + timedelta(days=number / rows)).isoformat(timespec="milliseconds")
            head = f'{{"time":"{moment}","version":1,"role":"production","request_id":"{chance.getrandbits(128):032x}"'
            file.write(f'{head},"milliseconds":1.500,{chance.choice(records)[1:]}\n')


def measure(project: Path, records: list[str], rows: int, runs: int) -> dict[str, list[Usage]]:
    progress(f"{rows:,} rows: writing the log")
    write_log(project / LOG / f"{DAY:%Y-%m-%d}" / "server.jsonl", records, rows)
    used: dict[str, list[Usage]] = {name: [] for name in [*COMMANDS, COMPACTED]}

    def measured(name: str, command: list[str]) -> None:
        used[name].append(run(command, project))
        progress(f"{rows:,} rows: {name} {used[name][-1].seconds:.1f} s, {used[name][-1].peak_mb:,.0f} MB")

    for _ in range(runs):
        for name, command in COMMANDS.items():  # by turns, so that a busy minute hits all of them
            measured(name, command)
    run(["telco-churn", "log", "compact", "--log", LOG], project)
    for _ in range(runs):
        measured(COMPACTED, COMMANDS["monitor"])
    shutil.rmtree(project / LOG)
    return used


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure monitor against Evidently on all rows.")
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 1_000_000, 10_000_000])
    parser.add_argument("--runs", type=int, default=3, help="how often; of ten million rows and more once (default: 3)")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-monitor-") as folder:
        project = in_production(Path(folder))
        records = run([sys.executable, "-c", RECORDS], project).output.splitlines()
        progress("warm-up")
        measure(project, records, 1000, 1)
        found = {rows: measure(project, records, rows, wanted.runs if rows < 10_000_000 else 1) for rows in wanted.rows}
    lines = []
    for rows, used in found.items():
        seconds = {name: median(one.seconds for one in taken) for name, taken in used.items()}
        peak = {name: median(one.peak_mb for one in taken) for name, taken in used.items()}
        figures = [f"{seconds[name]:.1f} s, {peak[name]:,.0f} MB" for name in used]
        times = [f"{seconds['all rows'] / seconds[name]:.1f}" for name in ("monitor", COMPACTED)]
        lines.append([f"{rows:,}", *figures, *times])
    print(f"{machine()}; medians of {wanted.runs}, of ten million rows one run\n")
    print(table(["rows", *COMMANDS, COMPACTED, "all rows / monitor", "all rows / compacted"], lines))
    print(
        json.dumps(
            {rows: {name: [one[:2] for one in taken] for name, taken in used.items()} for rows, used in found.items()}
        ),
        file=sys.stderr,
    )


if __name__ == "__main__":
    main()
