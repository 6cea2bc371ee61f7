"""The gate of a repo with several models: each that the branch touches is judged, in a process of its own, for one verdict.

A model that nothing in the branch is about has the results of its base, and is left out.
"""

import datetime
import json
import os
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from lifecycle.core.errors import ConfigError
from lifecycle.core.git import commit_of
from lifecycle.core.home import NAME
from lifecycle.core.model_folders import TOP, folder_of, names_at, title
from lifecycle.gate.base_commit import choose_base
from lifecycle.gate.touched_models import packages_at, touched

SOURCE = Path(__file__).resolve().parents[2]


def has_several() -> bool:
    """Whether the last commit has several models, and the command is about all of them."""
    if NAME:
        return False
    with suppress(ConfigError):  # the gate says what is wrong
        return bool(names_at(commit_of("HEAD")))
    return False


def judge(revision: str | None, today: datetime.date, record: bool) -> dict[str, Any]:
    """Return the verdict on the last commit of a repo with several models: the content of the gate's verdict on each, by title.

    Args:
        revision: the base; None chooses it for each model, as for one.
        today: the day by which exceptions hold.
        record: whether each verdict is recorded on its model's run in MLflow.

    Raises ConfigError if there is no base.
    """
    head = commit_of("HEAD")
    base = choose_base(revision, head)
    judged = touched(base.commit, head) or [TOP]
    contents = {title(name): _judge_one(name, revision, today, record) for name in judged}
    names = packages_at(head)
    return {
        "verdict": verdict_of(contents),
        "date": str(today),
        "models": contents,
        "reasons": [
            {"kind": reason["kind"], "text": f"{model}: {reason['text']}"}
            for model, content in contents.items()
            for reason in content.get("reasons", [])
        ],
        "untouched": [title(name) for name in names if name not in judged],
        "removed": [title(name) for name in packages_at(base.commit) if name not in names],
    }


def undecided(content: dict[str, Any]) -> str:
    """Return why there is no verdict on one of the models, or nothing."""
    errors = [f"{model}: {one['error']}" for model, one in content["models"].items() if "error" in one]
    return "; ".join(errors)


def verdict_of(contents: dict[str, dict[str, Any]]) -> str:
    """Return the verdict on all models: pass only if every one passes."""
    verdicts = {content["verdict"] for content in contents.values()}
    return next((verdict for verdict in ("undecided", "fail") if verdict in verdicts), "pass")


def _judge_one(name: str, revision: str | None, today: datetime.date, record: bool) -> dict[str, Any]:
    """The content of the verdict on one model."""
    options = [*(["--base", revision] if revision else []), *(["--record"] if record else [])]
    print(f"gate: judging {title(name)} ...", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory(prefix="gate-") as folder:
        path = Path(folder, "gate.json")
        command = [sys.executable, "-P", "-m", "lifecycle.gate.one_model", str(today), str(path), *options]
        variables = os.environ | {"PYTHONPATH": str(SOURCE)}
        done = subprocess.run(command, cwd=folder_of(name), env=variables)
        if not path.exists():
            return {"verdict": "undecided", "error": f"its gate ended with exit code {done.returncode}"}
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return content
