"""The command line, with the commands of every part that is in this repo."""

import argparse
import importlib
import io
import os
import sys
from pathlib import Path

from lifecycle.core.errors import ProjectError, exit_with

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
        code = arguments.run(arguments)
        sys.stdout.flush()
        sys.exit(code)
    except BrokenPipeError:  # a reader such as `head` has closed the pipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except ProjectError as error:
        exit_with(error)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
