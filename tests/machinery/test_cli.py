"""What every command owes its reader."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from lifecycle import cli

CALL = f"import {cli.__name__} as cli; cli.main(['tracking-uri'])"
UMLAUT = f"import {cli.__name__} as cli; cli.tracking_uri = lambda _: print('ü') or 0; cli.main(['tracking-uri'])"


def test_a_reader_that_has_enough_is_no_error() -> None:
    read, write = os.pipe()
    os.close(read)

    done = call(CALL, stdout=write, stderr=subprocess.PIPE)

    os.close(write)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_terminal_that_knows_ascii_alone_is_no_error() -> None:
    done = call(UMLAUT, encoding="ascii", stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    assert (done.returncode, done.stdout, done.stderr) == (0, "\\xfc\n", "")


def call(script: str, encoding: str = "utf-8", **kwargs: Any) -> "subprocess.CompletedProcess[str]":
    env = os.environ | {"PYTHONPATH": str(Path(cli.__file__).parents[1]), "PYTHONIOENCODING": encoding}
    return subprocess.run([sys.executable, "-c", script], text=True, env=env, timeout=60, **kwargs)
