"""How long `adopt` takes to decide about a table: `python bench/adopt.py [--rows 10000 1000000 ...]` prints a Markdown table.

A CSV file of 20 columns (a key, numbers, integers, categories, a boolean, a date, a target with two classes) is written with a seed.
`adopt --dry-run` reads it, decides everything and prints the decisions. The alternatives are what a person does instead to look at
a table: `pandas.read_csv`, and that with `describe(include="all")`. Each runs in a process of its own, imports included; the medians
of several runs.
"""

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

from measure import Usage, machine, progress, render, run, table

RUNS = 3
GENERATE = """
import sys
import numpy as np
import pandas as pd

rows, path = int(sys.argv[1]), sys.argv[2]
generator = np.random.default_rng(0)
for start in range(0, rows, 500_000):
    n = min(500_000, rows - start)
    columns = {"loan_id": [f"L{number:09d}" for number in range(start, start + n)]}
    columns |= {f"amount_{place}": np.round(generator.normal(size=n) * 100, 3) for place in range(8)}
    columns |= {f"count_{place}": generator.integers(0, 10 ** (place + 1), n) for place in range(4)}
    columns |= {
        f"kind_{place}": generator.choice([f"value {number}" for number in range(4 * (place + 1))], n) for place in range(4)
    }
    columns["agreed"] = generator.random(n) < 0.3
    days = pd.to_timedelta(generator.integers(0, 1500, n), unit="D")
    columns["day"] = (pd.Timestamp("2020-01-01") + days).strftime("%Y-%m-%d")
    columns["target"] = np.where(columns["amount_0"] + generator.normal(size=n) * 80 > 100, "yes", "no")
    pd.DataFrame(columns).to_csv(path, index=False, mode="a", header=start == 0)
"""
PANDAS = "import sys, pandas; frame = pandas.read_csv(sys.argv[1]); {more}"


def medians(command: list[str], folder: Path) -> Usage:
    """Return the median seconds and peak memory of a command that is run once before."""
    run(command, folder)
    runs = [run(command, folder) for _ in range(RUNS)]
    seconds, peaks = statistics.median(used.seconds for used in runs), statistics.median(used.peak_mb for used in runs)
    return Usage(seconds, peaks, "")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 1_000_000, 10_000_000])
    rows_of = parser.parse_args().rows
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        project, _ = render(Path(folder))
        for rows in rows_of:
            path = Path(folder, "table.csv")
            path.unlink(missing_ok=True)
            progress(f"{rows:,} rows")
            run([sys.executable, "-c", GENERATE, str(rows), str(path)], project)
            adopt = medians(
                [sys.executable, "-m", "lifecycle.cli", "adopt", str(path), "--target", "target", "--dry-run"], project
            )
            read = medians([sys.executable, "-c", PANDAS.format(more="pass"), str(path)], project)
            described = medians(
                [sys.executable, "-c", PANDAS.format(more='frame.describe(include="all")'), str(path)], project
            )
            lines.append(
                [
                    f"{rows:,}",
                    f"{path.stat().st_size / 1e6:,.0f} MB",
                    *(f"{used.seconds:.1f} s, {used.peak_mb:,.0f} MB" for used in (adopt, read, described)),
                    f"{read.seconds / adopt.seconds:.2f}",
                    f"{described.seconds / adopt.seconds:.2f}",
                ]
            )
    print(f"{machine()}\n")
    header = [
        "rows",
        "file",
        "adopt --dry-run",
        "read_csv",
        "read_csv, describe",
        "read_csv / adopt",
        "with describe / adopt",
    ]
    print(table(header, lines))


if __name__ == "__main__":
    main()
