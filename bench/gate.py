"""What a verdict costs: `python bench/gate.py [--runs 3]` prints one Markdown table.

From a clone with DVC's cache at hand, as a pull request's job has it after the first run, to the verdict: `dvc repro --pull`,
then the gate. Once with nothing changed, once with one parameter changed (reproduced and committed by its author).

    training    the `train` stage alone, which is what the gate does not do again unless gates.yaml asks for it
"""

import argparse
import tempfile
import time
from pathlib import Path
from statistics import median

from measure import PROJECT, machine, progress, pull, render, run, table

AIM = 15.0


def commit(project: Path, message: str) -> None:
    run(["git", "add", "--all"], project)
    run(["git", "-c", "user.name=b", "-c", "user.email=b@b", "commit", "--quiet", "--message", message], project)


def branches(folder: Path) -> Path:
    """Render a project, reproduce it on main, and change one parameter on the branch `tuned`."""
    project, _ = render(folder)
    pull(project)
    run(["dvc", "repro", "evaluate"], project)
    commit(project, "Results")
    run(["git", "switch", "--quiet", "--create", "same"], project)
    (project / "NOTES.md").write_text("nothing that matters\n", encoding="utf-8")
    commit(project, "Notes")
    run(["git", "switch", "--quiet", "--create", "tuned", "main"], project)
    params = project / "params.yaml"
    params.write_text(params.read_text().replace("learning_rate: 0.05", "learning_rate: 0.06"), encoding="utf-8")
    run(["dvc", "repro", "evaluate"], project)
    commit(project, "Tuned")
    return project


def measure(folder: Path) -> dict[str, float]:
    """Return seconds by name: from a warm clone to the verdict, and of training alone."""
    project = branches(folder)
    seconds = {}
    for branch in ("same", "tuned"):
        clone = folder / branch
        run(["git", "clone", "--quiet", "--branch", branch, str(project), str(clone)], folder)
        run(["dvc", "cache", "dir", "--local", str(project / ".dvc/cache")], clone)
        started = time.perf_counter()
        run(["dvc", "repro", "--pull", "evaluate"], clone)
        used = run([PROJECT, "gate", "--base", "origin/main"], clone)
        seconds[branch] = time.perf_counter() - started
        assert used.output.splitlines()[0].startswith("gate: PASS") or "gate: PASS" in used.output, used.output
    seconds["training"] = run(["dvc", "repro", "--force", "--single-item", "train"], folder / "same").seconds
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure what a verdict costs.")
    parser.add_argument("--runs", type=int, default=3, help="how often everything is measured (default: 3)")
    measured = parser.parse_args().runs
    runs = []
    for number in range(measured + 1):
        progress(f"run {number} of {measured}" if number else "warm-up")
        with tempfile.TemporaryDirectory(prefix="bench-gate-") as folder:
            runs.append(measure(Path(folder)))
    named = {"nothing changed": "same", "one parameter changed": "tuned", "training alone, for comparison": "training"}
    rows = []
    for name, key in named.items():
        values = [figures[key] for figures in runs[1:]]
        aim = "" if key == "training" else f"under {AIM:g} s"
        rows.append([name, f"{median(values):.1f}", f"{min(values):.1f} to {max(values):.1f}", aim])
    print(
        f"{machine()}; medians of {measured} runs\n\n{table(['warm clone to verdict', 'seconds', 'range', 'aim'], rows)}"
    )


if __name__ == "__main__":
    main()
