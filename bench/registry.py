"""What a move in the registry costs as versions pile up: `python bench/registry.py [--runs 5]` prints one Markdown table.

The same SQLite store as a project has by default, with 1, 100 and 1,000 versions, each with its three moves in the ledger.
In one process, so that the import of MLflow, which every command pays once, stands in a line of its own.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any
from uuid import uuid4

from measure import machine, progress, pull, render, run, table

SIZES = (1, 100, 1000)


def measure(project: Path, runs: int) -> dict[int, dict[str, float]]:
    """Return versions → what was done → median seconds, in the project's own code."""
    os.chdir(project)
    sys.path.insert(0, "src")
    from lifecycle.core import config
    from lifecycle.core.files import file_hash
    from lifecycle.core.tracking import store
    from lifecycle.registry import aliases, ledger, moves
    from lifecycle.registry.registration import register
    from lifecycle.registry.rollback import rollback

    params = config.load()
    model = params.track.model
    seconds: dict[int, dict[str, float]] = {}
    with store(params, "") as client:
        register(client, params)
        first = client.get_model_version(model, "1")

        def pile_up(count: int) -> None:
            """Versions as `register` makes them, and the moves of each to production, without their aliases."""
            last = ledger.head(client, model)
            assert last
            for _ in range(count):
                version = int(another(f"{time.time_ns():064x}").version)
                for alias in ("candidate", "staging", "production"):
                    before = last.state["production" if alias == "production" else "before"]
                    state = last.state | {alias: version, "before": before}
                    last = replace(last, alias=alias, version=version, base=last.number, state=state, id=uuid4().hex)
                    ledger.append(client, model, last)
                    last = replace(last, number=last.base + 1)
            aliases.align(client, model)

        def another(digest: str) -> Any:
            tags = first.tags | {"model.sha256": digest, "dvc.lock.sha256": digest, moves.STAGING_CHECKS: moves.PASSED}
            source = first.source.removeprefix("models:/")
            return client.create_model_version(model, first.source, uuid4().hex, tags, model_id=source)

        def timed(act: Callable[[], Any]) -> float:
            started = time.perf_counter()
            act()
            return time.perf_counter() - started

        def promotion() -> float:
            number = int(another("0" * 64).version)
            moves.move(client, model, ledger.head(client, model), "register", "candidate", number, "bench")
            return timed(lambda: moves.promote(client, model, "staging", None, "bench"))

        def going_back() -> float:
            """To the version that was there before, named: a rollback that is only repeated does nothing."""
            last = ledger.head(client, model)
            assert last
            elapsed = timed(lambda: rollback(client, model, last.state["before"], "bench"))
            assert ledger.head(client, model) != last
            return elapsed

        def registration() -> float:
            """Of a model that is new: its tags are taken from the versions that have them."""
            config.MODEL.write_bytes(config.MODEL.read_bytes() + b" ")
            digest = file_hash(config.MODEL)
            client.set_tag(first.run_id, "model.sha256", digest)
            return timed(lambda: register(client, params))

        moves.promote(client, model, "staging", None, "bench")
        client.set_model_version_tag(model, "1", moves.STAGING_CHECKS, moves.PASSED)
        moves.promote(client, model, "production", None, "bench")
        pile_up(1)  # or there is nothing to roll back to
        held = 2
        for size in SIZES:
            progress(f"{size} versions")
            pile_up(max(0, size - held))
            held = max(held, size)
            figures = {
                "register": [registration() for _ in range(runs)],
                "promote": [promotion() for _ in range(runs)],
                "rollback": [going_back() for _ in range(runs)],
                "align, by every command": [timed(lambda: aliases.align(client, model)) for _ in range(runs)],
                "history, whole": [timed(lambda: ledger.history(client, model)) for _ in range(runs)],
            }
            seconds[size] = {name: median(values) for name, values in figures.items()}
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure what a move in the registry costs.")
    parser.add_argument("--runs", type=int, default=5, help="how often everything is measured (default: 5)")
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory(prefix="bench-registry-") as folder:
        project, _ = render(Path(folder))
        pull(project)
        run(["dvc", "repro"], project)
        run(["git", "add", "--all"], project)
        run(["git", "-c", "user.name=b", "-c", "user.email=b@b", "commit", "--quiet", "--message", "Results"], project)
        run(["telco-churn", "gate", "--base", "HEAD~1", "--record"], project)
        command = median(run(["telco-churn", "history"], project).seconds for _ in range(runs))
        for name in [name for name in os.environ if name.startswith("MLFLOW_")]:
            del os.environ[name]
        seconds = measure(project, runs)
    rows = [[name, *(f"{1000 * seconds[size][name]:.0f} ms" for size in SIZES)] for name in seconds[1]]
    print(f"{machine()}; medians of {runs}; a command as a whole, with its imports: {command:.1f} s\n")
    print(table(["versions in the registry", *(f"{size:,}" for size in SIZES)], rows))
    print(json.dumps(seconds), file=sys.stderr)


if __name__ == "__main__":
    main()
