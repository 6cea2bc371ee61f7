"""The command line, with the commands of every part that is in this repo."""

import argparse
import importlib
import io
import os
import sys
from pathlib import Path

from lifecycle.core.errors import ConfigError, one_line

PARAMS = "params.yaml"
FIRST = ("pipeline", "gate")  # in every repo; the other parts follow in alphabetical order


def command_modules() -> list[str]:
    """Return the name of every part's module `commands`."""
    here = Path(__file__).parent
    parts = sorted(path.relative_to(here).parent.as_posix() for path in here.rglob("commands.py"))
    parts.sort(key=lambda part: FIRST.index(part) if part in FIRST else len(FIRST))
    return [f"lifecycle.{part.replace('/', '.')}.commands" for part in parts]


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="The commands of this project beside `dvc repro`.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name in command_modules():
        importlib.import_module(name).add_to(commands)
    arguments = parser.parse_args(argv)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # what the terminal cannot show
    try:
        with one_line():
            _require_root()
            code = arguments.run(arguments)
            sys.stdout.flush()
            sys.exit(code)
    except BrokenPipeError:  # a reader such as `head` has closed the pipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except KeyboardInterrupt:
        sys.exit(130)


def _require_root() -> None:
    """Raise ConfigError in a subfolder of the project: commands name its files relative to its root."""
    here = Path.cwd()
    if not (here / PARAMS).exists() and (root := next((path for path in here.parents if _is_root(path)), None)):
        raise ConfigError(f"{here} is a subfolder of the project: run this in its root (cd {os.path.relpath(root)})")


def _is_root(folder: Path) -> bool:
    return (folder / PARAMS).exists() and (folder / "dvc.yaml").exists()


if __name__ == "__main__":
    main()
