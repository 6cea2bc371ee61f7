"""How time and memory grow with the table: `python bench/rows.py [--rows 7000 70000 ...]` prints a Markdown table.

The Telco table is resampled to each number of rows and read by a fresh render, whose stages run one after the other,
each in a process of its own and without DVC. Per stage:

    seconds          wall time of the process, starting Python and importing packages included
    µs/row           the same over rows; `net` leaves out the time a process takes that only imports the stage
    peak, import     most resident memory the stage's process ever held, and that of one that only imports the stage
    input            pandas' deep memory usage of the table the stage reads (evaluate: of its three tables together)
    net/input        (peak - import) / input: how many copies of its input a stage holds at a time
    peak/input       the same with the imports in it

Aims: net µs per row does not grow, net/input stays under 4. In small tables all that shows is what does not depend on
rows: the misses listed below the table leave out inputs under 50 MB.
"""

import argparse
import re
import tempfile
from pathlib import Path
from typing import NamedTuple

from measure import Usage, machine, progress, pull, render, run, table
from resample import resample_in

STAGES = ("data", "validate", "featurize", "train", "evaluate")
SIDES = ("train", "validation", "test")
INPUTS = {
    "validate": ["data/interim/dataset.parquet"],
    "featurize": ["data/interim/dataset.parquet"],
    "train": ["data/features/train.parquet"],
    "evaluate": [f"data/features/{side}.parquet" for side in SIDES],
}
TABLES = {  # source code of a list of frames
    "data": "[read_raw(params.data.raw, contract.load(config.CONTRACT, params.package), params.data)]",
    **{stage: f"[files.read_parquet(name) for name in {paths}]" for stage, paths in INPUTS.items()},
}
SIZE = """
from lifecycle.core import config, contract, files
from lifecycle.core.raw_table import read_raw
params = config.load()
print(sum(int(frame.memory_usage(deep=True).sum()) for frame in TABLES))
"""
LIFTED = {  # what the contract says of 7,043 rows and a table drawn from them cannot hold: pattern → replacement
    r"\^C\\d\{5\}\$": r"^C\\d+$",
    r"(unique_share_between: \{min_value:) [\d.]+": r"\1 0",
}
MEMORY_RATIO, GROWTH, SMALL_MB = 4, 1.1, 50


class Figures(NamedTuple):
    """What a stage took on a number of rows: its process, one that only imports it, and its input in memory."""

    rows: int
    stage: str
    used: Usage
    imports: Usage
    input_mb: float

    @property
    def net_per_row(self) -> float:
        return (self.used.seconds - self.imports.seconds) / self.rows * 1e6

    @property
    def net_memory(self) -> float:
        return (self.used.peak_mb - self.imports.peak_mb) / self.input_mb


def prepare(folder: Path, rows: int) -> Path:
    """Return a fresh render whose raw data is the resampled table."""
    project, _ = render(folder)
    pull(project)
    (project / "data/raw/telco.csv.dvc").unlink()
    contract = project / "contract.yaml"
    text = contract.read_text(encoding="utf-8")
    for pattern, replacement in LIFTED.items():
        text, times = re.subn(pattern, replacement, text)
        assert times == 1, f"contract.yaml matches {pattern!r} {times} times: bench/rows.py is out of step with it"
    contract.write_text(text, encoding="utf-8")
    resample_in(project / "data/raw/telco.csv", rows)
    return project


def measure(rows: int) -> list[Figures]:
    """Run the stages on a table of so many rows; return the figures of each, in their order."""
    with tempfile.TemporaryDirectory(prefix="bench-rows-") as folder:
        progress(f"{rows:,} rows: resampling")
        project = prepare(Path(folder), rows)
        imports = {stage: run(["python", "-c", f"import lifecycle.pipeline.{stage}"], project) for stage in STAGES}
        used = {}
        for stage in STAGES:
            used[stage] = run(["python", "-m", f"lifecycle.pipeline.{stage}"], project)
            progress(f"{rows:,} rows: {used[stage].output.splitlines()[-1]}")
        sizes = {stage: run(["python", "-c", SIZE.replace("TABLES", TABLES[stage])], project) for stage in STAGES}
        return [Figures(rows, stage, used[stage], imports[stage], int(sizes[stage].output) / 1e6) for stage in STAGES]


def misses(measured: list[Figures]) -> list[str]:
    """Return the aims that were missed, a sentence each."""
    large = [figures for figures in measured if figures.input_mb >= SMALL_MB]
    sentences = []
    for figures in large:
        name = f"{figures.stage} at {figures.rows:,} rows"
        if figures.net_memory >= MEMORY_RATIO:
            sentences.append(f"{name}: holds {figures.net_memory:.1f} times its input")
        least = min((other for other in large if other.stage == figures.stage), key=lambda other: other.net_per_row)
        if least.rows < figures.rows and figures.net_per_row > GROWTH * least.net_per_row:
            growth = f"{figures.net_per_row:.2f} µs per row, {least.net_per_row:.2f} at {least.rows:,} rows"
            sentences.append(f"{name}: {growth}")
    return sentences


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure time and memory of each stage over rows.")
    parser.add_argument("--rows", type=int, nargs="+", default=[7_000, 70_000, 700_000, 7_000_000])
    sizes = sorted(parser.parse_args().rows)
    progress("warm-up")
    measure(min(sizes))
    measured = [figures for rows in sizes for figures in measure(rows)]
    header = ["rows", "stage", "seconds", "µs/row", "net µs/row", "peak MB", "import MB", "input MB", "net/input"]
    lines = [
        [
            *[f"{row.rows:,}", row.stage, f"{row.used.seconds:.2f}", f"{row.used.seconds / row.rows * 1e6:.2f}"],
            *[f"{row.net_per_row:.2f}", f"{row.used.peak_mb:,.0f}", f"{row.imports.peak_mb:,.0f}"],
            *[f"{row.input_mb:,.1f}", f"{row.net_memory:.2f}", f"{row.used.peak_mb / row.input_mb:.2f}"],
        ]
        for row in measured
    ]
    print(f"{machine()}\n\n{table([*header, 'peak/input'], lines)}\n")
    print(
        "\n".join(f"- {sentence}" for sentence in misses(measured))
        or f"No aim missed on inputs of {SMALL_MB} MB and more."
    )


if __name__ == "__main__":
    main()
