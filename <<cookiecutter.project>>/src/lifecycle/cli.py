"""The command line, with the commands of every part that is in this repo."""

import argparse
import importlib
import io
import os
import sys
from pathlib import Path
from typing import Any, NoReturn

from lifecycle.core.errors import ConfigError, exit_with, one_line

PARAMS = "params.yaml"
MODELS = "models"
MODEL = "LIFECYCLE_MODEL"  # an environment variable: the model, in place of --model
FILES = ("input", "labels", "path", "scores")  # arguments that name a file, or its address
FIRST = ("pipeline", "gate")  # in every repo; the other parts follow in alphabetical order


class Parser(argparse.ArgumentParser):
    """A parser, of a command too, whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        exit_with(ConfigError(f"{message}; {self.prog} --help lists what it takes"))


def command_modules() -> list[str]:
    """Return the name of every part's module `commands`."""
    here = Path(__file__).parent
    parts = sorted(path.relative_to(here).parent.as_posix() for path in here.rglob("commands.py"))
    parts.sort(key=lambda part: FIRST.index(part) if part in FIRST else len(FIRST))
    return [f"lifecycle.{part.replace('/', '.')}.commands" for part in parts]


def main(argv: list[str] | None = None) -> None:
    typed_in = Path.cwd()
    model, argv = _model_in(sys.argv[1:] if argv is None else argv)
    if model:
        with one_line():
            _go_to(model)  # before anything is imported that names files
    parser = Parser(description="The commands of this project beside `dvc repro`.")
    parser.add_argument(
        "--model", metavar="NAME", help=f"the model in models/NAME instead of the one at the top (or {MODEL}=NAME)"
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name in command_modules():
        importlib.import_module(name).add_to(commands)
    arguments = parser.parse_args(argv)
    _find_files(arguments, typed_in)
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


def _model_in(argv: list[str]) -> tuple[str, list[str]]:
    """The model that is chosen by --model, before or behind the verb, or by the environment, and the other arguments."""
    chooser = Parser(add_help=False, allow_abbrev=False)
    chooser.add_argument("--model", metavar="NAME", default=os.environ.pop(MODEL, ""))
    choice, others = chooser.parse_known_args(argv)
    return choice.model, others


def _go_to(model: str) -> None:
    """Make the folder of a model the working directory. Raises ConfigError if there is no such model."""
    here, folder = Path.cwd(), Path(MODELS, model)
    if here.parts[-2:] == folder.parts and (here / PARAMS).exists():  # it may be there already
        return
    _require_root()
    if len(folder.parts) != 2 or not (folder / PARAMS).exists():
        from lifecycle.core.model_folders import require

        require(model)
    os.chdir(folder)


def _find_files(arguments: argparse.Namespace, typed_in: Path) -> None:
    """Name files that are given as arguments from the working directory, if they were typed in another."""
    if Path.cwd() == typed_in:
        return
    for name, value in vars(arguments).items():
        values = [_found(item, name, typed_in) for item in value] if isinstance(value, list) else None
        setattr(arguments, name, _found(value, name, typed_in) if values is None else values)


def _found(value: Any, name: str, typed_in: Path) -> Any:
    is_text = isinstance(value, str) and name in FILES and value and (typed_in / value).exists()
    return type(value)(os.path.relpath(typed_in / value)) if is_text or isinstance(value, Path) else value


def _require_root() -> None:
    """Raise ConfigError in a subfolder of the project: commands name its files relative to its root."""
    here = Path.cwd()
    if not (here / PARAMS).exists() and (root := next((path for path in here.parents if _is_root(path)), None)):
        raise ConfigError(f"{here} is a subfolder of the project: run this in its root (cd {os.path.relpath(root)})")


def _is_root(folder: Path) -> bool:
    return (folder / PARAMS).exists() and (folder / "dvc.yaml").exists()


if __name__ == "__main__":
    main()
