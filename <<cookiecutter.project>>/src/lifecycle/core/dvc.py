"""DVC, run as a command of this environment."""

import functools
import os
import re
import subprocess
import sys
from pathlib import Path

from configobj import ConfigObj

from lifecycle.core.errors import ConfigError
from lifecycle.core.git import FULL, environment


def dvc(*arguments: str, folder: Path = Path()) -> subprocess.CompletedProcess[str]:
    """Run this environment's DVC in a folder. Raises ConfigError if the disk is full, which is no answer to anything."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "dvc", *arguments], cwd=folder, env=environment(), capture_output=True, text=True
    )
    if done.returncode and (reason := next((text for text in FULL if text in done.stderr), None)):
        raise ConfigError(
            f"dvc {arguments[0]}: {reason}: free some on the disk of {folder.resolve()}, then run this again"
        )
    return done


@functools.cache
def cache_folder() -> Path:
    """Return the folder in which DVC keeps the repo's data and models. Raises ConfigError with DVC's reason if it does not say."""
    done = dvc("cache", "dir")
    if done.returncode:
        raise ConfigError(f"dvc cache dir: {failure_line(done)}")
    return Path(done.stdout.strip())


def failure_line(done: subprocess.CompletedProcess[str]) -> str:
    """Return the line in which a failed `dvc repro` gives the reason."""
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    if missing := re.search(r"missing data '(?:source|files)'s?: ([^\n,]+)", done.stderr):
        return f"{missing[1]} is not in DVC's cache: `dvc pull` brings it; if that fails, whoever made it has to `dvc push` it"
    ours = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    tracebacks = [line for line in lines if re.match(r"[\w.]*(Error|Exception)\b", line)]
    return (ours or tracebacks or [line.removeprefix("ERROR: ") for line in lines] or ["`dvc repro` failed"])[-1]


def remotes(root: Path) -> dict[str, Path]:
    """Return those of DVC's remotes that are folders, by name; a relative address is relative to .dvc."""
    shared, local = (ConfigObj(str(root / ".dvc" / name)) for name in ("config", "config.local"))
    urls = {
        name.removeprefix('remote "').removesuffix('"'): {**shared.get(name, {}), **local.get(name, {})}.get("url", "")
        for name in {**shared, **local}
        if name.startswith('remote "')
    }
    return {
        name: Path(os.path.normpath((root / ".dvc").resolve() / url)) for name, url in urls.items() if "://" not in url
    }
