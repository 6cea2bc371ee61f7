"""What the benchmarks share: renders of the template, commands under the clock, and the machine they ran on.

Only the standard library is imported here: Linux counts the peak memory of the process that starts a command into
that of the command, so the benchmark itself has to stay smaller than anything it measures.
"""

import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

TEMPLATE = Path(__file__).resolve().parent.parent
PROJECT = "telco-churn"  # the default answer in cookiecutter.json
MAXRSS_BYTES = 1 if sys.platform == "darwin" else 1024


class Usage(NamedTuple):
    """What a command took: wall seconds from its start to its end, the peak of its memory, and what it printed."""

    seconds: float
    peak_mb: float
    output: str


def environment() -> dict[str, str]:
    """Return the variables a command runs with: this interpreter's programs first, nobody's own settings.

    Python keeps the bytecode it compiles, as it does unless told otherwise: a benchmark runs everything once before
    it measures.
    """
    dropped = ("DVC_", "GIT_", "MLFLOW_", "PYTHONDONTWRITEBYTECODE")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    return {**kept, "PATH": path, "PYTHONPATH": "src", "DVC_NO_ANALYTICS": "1"}


def run(command: Sequence[str], folder: Path) -> Usage:
    """Run a command to its end in a folder and measure it. Exits with what it printed if it fails."""
    started = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=folder, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert process.stdout is not None
    output = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.stdout.close()
    process.returncode = os.waitstatus_to_exitcode(status)  # or Popen would wait for it once more
    if process.returncode:
        sys.exit(f"{' '.join(command)} failed in {folder}:\n{output}")
    return Usage(seconds, used.ru_maxrss * MAXRSS_BYTES / 1e6, output)


def render(folder: Path) -> tuple[Path, float]:
    """Render the template with its own answers under a folder; return the project and the seconds it took."""
    command = ["cookiecutter", "--no-input", "--default-config", "--output-dir", str(folder), str(TEMPLATE)]
    return folder / PROJECT, run(command, TEMPLATE).seconds


def pull(project: Path) -> None:
    """Fetch the raw data into a render."""
    run(["dvc", "pull", "--quiet", "--recursive", "data/raw"], project)


def machine() -> str:
    """Return one line: cores, Python, the packages that the figures depend on, and OpenMP's settings if any."""
    packages = [f"{name} {version(name)}" for name in ("dvc", "pandas", "scikit-learn", "mlflow")]
    threads = [f"{name}={value}" for name, value in sorted(os.environ.items()) if name.startswith(("OMP_", "GOMP_"))]
    return ", ".join([f"{os.cpu_count()} cores", f"Python {platform.python_version()}", *packages, *threads])


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table, its columns as wide as their widest cell."""
    cells = [list(header), *map(list, rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    cells.insert(1, ["-" * width for width in widths])
    lines = (" | ".join(map(str.ljust, line, widths)) for line in cells)
    return "\n".join(f"| {line} |" for line in lines)


def progress(message: str) -> None:
    """Say on standard error what is being measured; standard output is for the tables."""
    print(message, file=sys.stderr, flush=True)
