"""A project whose model is in production, and a shadow beside it: what benchmarks of servers start from."""

import os
import sys
from pathlib import Path

from measure import PROJECT, pull, render, run


def in_production(folder: Path) -> Path:
    """Return a project whose version 1 is in production. Nothing is imported here, so what runs later is measured alone."""
    project, _ = render(folder)
    pull(project)
    run(["dvc", "repro"], project)
    run(["git", "add", "--all"], project)
    run(["git", "-c", "user.name=b", "-c", "user.email=b@b", "commit", "--quiet", "--message", "Results"], project)
    for command in ("gate --base HEAD~1 --record", "register", "promote --to staging --reason bench", "check",
                    "promote --to production --reason bench"):  # fmt: skip
        run([PROJECT, *command.split()], project)
    return project


def released(folder: Path) -> Path:
    """Return a project whose first version is in production, and whose second, the same model, in staging."""
    project = in_production(folder)
    os.chdir(project)
    sys.path.insert(0, "src")
    from lifecycle.core import config
    from lifecycle.core.tracking import store
    from lifecycle.registry import ledger, moves

    with store(config.load(), "") as client:
        first = client.get_model_version(PROJECT, "1")
        model_id = first.source.removeprefix("models:/")
        client.create_model_version(PROJECT, first.source, first.run_id, first.tags, model_id=model_id)
        client.set_model_version_tag(PROJECT, "2", moves.STAGING_CHECKS, moves.PASSED)
        moves.move(client, PROJECT, ledger.head(client, PROJECT), "promote", "staging", 2, "bench")
    return project


def shadow(running: bool) -> None:
    """Put the version in staging beside production, or take it away; in the project that `released` has returned."""
    from lifecycle.core import config
    from lifecycle.core.tracking import store
    from lifecycle.serving.rollout import trials

    with store(config.load(), "") as client:
        trials.begin(client, PROJECT, "shadow", "bench") if running else trials.stop(
            client, PROJECT, "shadow", None, "bench"
        )
