"""What a verdict costs: `python bench/gate.py [--runs 3]` prints one Markdown table.

In a clone with DVC's cache at hand and the results checked out, as a pull request's job has them: the gate when only a
document changed, when one parameter changed (reproduced and committed by its author), and what the second is measured
against, `dvc repro --force` of the same stages in the same clone.
"""

import argparse
import tempfile
from pathlib import Path
from statistics import median

from measure import PROJECT, machine, progress, pull, render, run, table

AIM_SECONDS, AIM_RATIO = 6.0, 1.5


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
    """Return seconds by name: of the gate on each branch, and of the pipeline alone."""
    project = branches(folder)
    seconds = {}
    for branch in ("same", "tuned"):
        clone = folder / branch
        run(["git", "clone", "--quiet", "--branch", branch, str(project), str(clone)], folder)
        run(["dvc", "cache", "dir", "--local", str(project / ".dvc/cache")], clone)
        run(["dvc", "checkout", "--quiet"], clone)
        verdict = run([PROJECT, "gate", "--base", "origin/main"], clone)
        assert "gate: PASS" in verdict.output, verdict.output
        seconds[branch] = verdict.seconds
    seconds["pipeline"] = run(["dvc", "repro", "--force", "--no-run-cache", "evaluate"], clone).seconds
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
    named = {"a document changed": "same", "one parameter changed": "tuned", "`dvc repro --force`": "pipeline"}
    aims = {"same": f"under {AIM_SECONDS:g} s", "tuned": f"under {AIM_RATIO:g} times the pipeline"}
    rows = []
    for name, key in named.items():
        values = [figures[key] for figures in runs[1:]]
        ratio = median(figures[key] / figures["pipeline"] for figures in runs[1:])
        spread = f"{min(values):.1f} to {max(values):.1f}"
        rows.append([name, f"{median(values):.1f}", spread, f"{ratio:.2f}", aims.get(key, "")])
    print(
        f"{machine()}; medians of {measured} runs\n\n{table(['verdict when', 'seconds', 'range', 'times the pipeline', 'aim'], rows)}"
    )


if __name__ == "__main__":
    main()
