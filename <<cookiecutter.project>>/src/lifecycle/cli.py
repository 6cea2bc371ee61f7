"""The command line: the commands of every part that is in this repo."""

import argparse
import importlib
import io
import os
import sys
from pathlib import Path

from lifecycle.core.errors import ProjectError, exit_with

FIRST = ("pipeline", "gate")  # in every repo; the other parts follow in the order of their names


def command_modules() -> list[str]:
    """Return the name of the module `commands` of every part."""
    here = Path(__file__).parent
    found = [path.relative_to(here).parent.as_posix() for path in here.rglob("commands.py")]
    ordered = sorted(found, key=lambda part: (part not in FIRST, FIRST.index(part) if part in FIRST else 0, part))
    return [f"lifecycle.{part.replace('/', '.')}.commands" for part in ordered]


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Everything a person does with this project beside `dvc repro`.")
    verbs = parser.add_subparsers(required=True, metavar="COMMAND")
    for name in command_modules():
        importlib.import_module(name).add_to(verbs)
    arguments = parser.parse_args(argv)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # whatever the terminal can show
    try:
        code = arguments.run(arguments)
        sys.stdout.flush()
        sys.exit(code)
    except BrokenPipeError:  # the reader, `head` for one, has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except ProjectError as error:
        exit_with(error)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
