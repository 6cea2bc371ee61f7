"""Runs a project's workflows with the real `act`; the actions of others are replaced by those in tests/actions."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from conftest import TEMPLATE, BakedProject, clean_environment

TOOLS = Path(sys.executable).parent
STAND_INS = TEMPLATE / "tests" / "actions"


def act(
    project: BakedProject, folder: Path, event: str, *options: str, **content: Any
) -> subprocess.CompletedProcess[str]:
    """Run the workflows of a project for an event, as GitHub would on its checkout."""
    payload = {"repository": {"default_branch": "main"}} | content
    (folder / "event.json").write_text(json.dumps(payload))
    pinned = set(re.findall(r"uses: actions/([\w-]+)(?:/[\w-]+)?@(\w{40})", "".join(
        path.read_text() for place in ("", "*/") for path in project.path.glob(f"{place}.github/**/*.yml")
    )))  # fmt: skip
    stand_ins = [
        f"--local-repository=actions/{name}@{commit}={STAND_INS / name}"
        for name, commit in pinned
        if (STAND_INS / name).exists()
    ]
    workflows = _known_to_act(project, folder / "workflows")
    options = tuple(option.replace(".github/workflows", str(workflows)) for option in options)
    environment = {"PROJECT_VENV": project.path / ".venv", "ARTIFACTS": folder / "artifacts", "PYTHONPATH": "src"}
    given = [f"--env={name}={value}" for name, value in environment.items()]
    return subprocess.run(
        [TOOLS / "act", event, "--eventpath", folder / "event.json", "--platform=ubuntu-latest=-self-hosted",
         f"--action-cache-path={folder / 'actions'}", *stand_ins, *given, *options],
        cwd=project.path,
        env=clean_environment() | {"XDG_CACHE_HOME": str(folder / "cache"), "NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=420,
    )  # fmt: skip


def _known_to_act(project: BakedProject, folder: Path) -> Path:
    """Copy the workflows without `queue`, a key of `concurrency` that act does not know yet."""
    folder.mkdir(exist_ok=True)
    for path in (project.path / ".github/workflows").glob("*.yml"):
        (folder / path.name).write_text(re.sub(r"^ +queue: max\n", "", path.read_text(), flags=re.MULTILINE))
    return folder


def jobs(output: str) -> dict[str, str]:
    return dict(re.findall(r"\[[\w-]+/([\w ]+?)\s*\] 🏁  Job (succeeded|failed)", output))
