"""DVC, run as a command of this environment."""

import functools
import math
import os
import re
import subprocess
import sys
import time
from pathlib import Path

from configobj import ConfigObj

from lifecycle.core.errors import ConfigError
from lifecycle.core.git import FULL, environment

PATIENCE = 15  # seconds without a word
TALKS_TO_REMOTES = ("fetch", "get", "pull", "push")
# Seconds. `get` brings single files that are missed, but not needed; other commands may move much data, and DVC's own
# timeouts end what does not answer: about six minutes of an HTTP remote.
LONGEST = {"get": 120.0}


def dvc(*arguments: str, folder: Path = Path()) -> subprocess.CompletedProcess[str]:
    """Run this environment's DVC in a folder, saying on stderr that it waits if a remote takes long.

    Raises ConfigError if the disk is full, which is no answer to anything.
    """
    command = [sys.executable, "-P", "-m", "dvc", *arguments]
    limit = LONGEST.get(arguments[0], math.inf)
    with subprocess.Popen(
        command, cwd=folder, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            output, errors = _communicate(process, arguments[0], limit)
        except BaseException:
            process.kill()
            raise
    done = subprocess.CompletedProcess(command, process.returncode, output, errors)
    if done.returncode and (reason := next((text for text in FULL if text in done.stderr), None)):
        raise ConfigError(
            f"dvc {arguments[0]}: {reason}: free some on the disk of {folder.resolve()}, then run this again"
        )
    return done


def _communicate(process: subprocess.Popen[str], command: str, limit: float) -> tuple[str, str]:
    """What a process prints until it ends, or is ended because it has taken so many seconds."""
    started = time.monotonic()
    while True:
        try:
            return process.communicate(timeout=min(PATIENCE, limit))
        except subprocess.TimeoutExpired:
            seconds = time.monotonic() - started
        if seconds >= limit:
            print(f"dvc {command}: the remote has not answered in {seconds:.0f} s: given up", file=sys.stderr)
            process.kill()
            limit = math.inf
        elif command in TALKS_TO_REMOTES:
            print(f"dvc {command}: waiting for the remote, {seconds:.0f} s so far ...", file=sys.stderr)


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
    return {
        name: Path(os.path.normpath((root / ".dvc").resolve() / url))
        for name, url in remote_urls(root).items()
        if "://" not in url
    }


def remote_urls(root: Path) -> dict[str, str]:
    """Return the address of each of DVC's remotes, by name, as its settings have it."""
    shared, local = (ConfigObj(str(root / ".dvc" / name)) for name in ("config", "config.local"))
    return {
        name.removeprefix('remote "').removesuffix('"'): {**shared.get(name, {}), **local.get(name, {})}.get("url", "")
        for name in {**shared, **local}
        if name.startswith('remote "')
    }
