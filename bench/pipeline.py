"""What the scaffold and its orchestration cost: `python bench/pipeline.py [--runs 3]` prints one Markdown table.

Each figure is a median in wall seconds, and stands beside what the same work takes without the machinery, measured
in the same call, one after the other:

    scaffold                  cookiecutter from the working tree to a git repository with a first commit
    dvc repro, cold           all stages in a fresh render, raw data pulled: no dvc.lock, nothing else in DVC's cache,
                              no MLflow store; against the same stages' main() one after the other in one Python
                              process, in another fresh render (with a dvc.lock, which `track` reads)
    dvc repro, nothing to do  again in the same render; against the same on a pipeline of one stage that copies a file
"""

import argparse
import shutil
import tempfile
from pathlib import Path
from statistics import median

from measure import machine, progress, pull, render, run, table

STAGES = ("data", "validate", "featurize", "train", "evaluate", "track")
ONE_PROCESS = "; ".join(
    [
        "from importlib import import_module",
        f"[import_module('lifecycle.pipeline.' + name).main() for name in {STAGES}]",
    ]
)
ONE_STAGE = """\
stages:
  copy:
    cmd: cp in.txt out.txt
    deps: [in.txt]
    outs: [out.txt]
"""
SCAFFOLD_SECONDS, COLD_RATIO = 3.0, 2.0


def repro(project: Path) -> float:
    """Run a pipeline with something to do; return the seconds."""
    used = run(["dvc", "repro"], project)
    assert "up to date" not in used.output, used.output
    return used.seconds


def repro_of_nothing(project: Path) -> float:
    """Run a pipeline with nothing to do; return the seconds."""
    used = run(["dvc", "repro"], project)
    assert "Data and pipelines are up to date." in used.output, used.output
    return used.seconds


def one_stage(folder: Path) -> Path:
    """Make a git and DVC repository with a pipeline of one stage, already run."""
    folder.mkdir()
    run(["git", "init", "--quiet"], folder)
    run(["dvc", "init", "--quiet"], folder)
    (folder / "dvc.yaml").write_text(ONE_STAGE, encoding="utf-8")
    (folder / "in.txt").write_text("some text\n", encoding="utf-8")
    repro(folder)
    return folder


def measure(folder: Path) -> dict[str, float]:
    """Measure everything once in an empty folder; return seconds by name."""
    project, scaffold = render(folder / "dvc")
    pull(project)
    assert not (project / "dvc.lock").exists()
    assert not (project / "mlflow.db").exists()
    cold, nothing = repro(project), repro_of_nothing(project)

    alone, scaffold_again = render(folder / "alone")
    pull(alone)
    shutil.copy(project / "dvc.lock", alone)
    in_one = run(["python", "-c", ONE_PROCESS], alone).seconds
    bare = repro_of_nothing(one_stage(folder / "bare"))
    return {
        "scaffold": median([scaffold, scaffold_again]),
        "cold": cold,
        "one process": in_one,
        "nothing": nothing,
        "bare": bare,
    }


def report(runs: list[dict[str, float]]) -> str:
    """Return the table of medians, with the spread of each and what is aimed at."""

    def cells(name: str) -> list[str]:
        values = [figures[name] for figures in runs]
        return [f"{median(values):.2f}", f"{min(values):.2f} to {max(values):.2f}"]

    def ratio(name: str, other: str) -> str:
        return f"{median(figures[name] for figures in runs) / median(figures[other] for figures in runs):.2f}"

    return table(
        ["measured", "seconds", "range", "against", "seconds", "range", "ratio", "aim"],
        [
            ["scaffold", *cells("scaffold"), "", "", "", "", f"under {SCAFFOLD_SECONDS:g} s"],
            [
                *["dvc repro, cold", *cells("cold"), "stages in one process", *cells("one process")],
                *[ratio("cold", "one process"), f"ratio at most {COLD_RATIO:g}"],
            ],
            [
                *["dvc repro, nothing to do", *cells("nothing"), "pipeline of one stage", *cells("bare")],
                *[ratio("nothing", "bare"), ""],
            ],
        ],
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the scaffold and its orchestration.")
    parser.add_argument("--runs", type=int, default=3, help="how often everything is measured (default: 3)")
    measured = parser.parse_args().runs
    runs = []
    for number in range(measured + 1):
        progress(f"run {number} of {measured}" if number else "warm-up")
        with tempfile.TemporaryDirectory(prefix="bench-pipeline-") as folder:
            runs.append(measure(Path(folder)))
    print(f"{machine()}; medians of {measured} runs\n\n{report(runs[1:])}")


if __name__ == "__main__":
    main()
