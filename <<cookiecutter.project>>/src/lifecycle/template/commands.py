"""Commands that renew this repo from its template."""

import argparse
import shlex
from typing import Any

from lifecycle.core.errors import ConfigError


def template_update(arguments: argparse.Namespace) -> int:
    """Renew this repo from its template, on a branch of its own. Files that you own stay as you edited them. Exits with 0 if the
    branch is ready or there is nothing to do, 1 if there are conflicts to resolve, 2 if nothing could be done."""
    _check_cookiecutter()
    from lifecycle.core.git import git
    from lifecycle.template import branch, update_report
    from lifecycle.template.pull_request_of_update import propose
    from lifecycle.template.update import update

    if arguments.abort:
        print(f"given up; back on branch {branch.abort()}")
        return 0
    answers = _answers(arguments.set)
    base = git("branch", "--show-current").strip()
    done = update(arguments.ref, answers, arguments.template)
    if done is None:
        print("nothing to update: this repo is as the template renders it")
        return 0
    print("\n".join(update_report.lines(done)))
    if arguments.propose:
        for line in propose(done, base):
            print(line)
    return 1 if done.conflicts else 0


def template_link(arguments: argparse.Namespace) -> int:
    """Find the version of the template that this repo was made from, and record it in .template.json."""
    _check_cookiecutter()
    from lifecycle.template.link import link

    for line in link(arguments.address):
        print(line)
    return 0


def _answers(settings: list[str]) -> dict[str, str]:
    """The answers in texts such as `serving=yes batch=no`; an answer with blanks is in quotes."""
    try:
        words = [word for setting in settings for word in shlex.split(setting)]
    except ValueError as error:
        raise ConfigError(f"SET: {error}: put an answer with quotes or blanks in quotes") from None
    if wrong := [word for word in words if "=" not in word]:
        raise ConfigError(f"SET: {wrong[0]!r} is not NAME=ANSWER, such as serving=yes")
    return dict(word.split("=", 1) for word in words)


def _check_cookiecutter() -> None:
    """Raise ConfigError unless an update can begin: about the whole repo, and with cookiecutter."""
    from importlib.util import find_spec

    from lifecycle.core.model_folders import require_top

    require_top()
    if find_spec("cookiecutter") is None:
        raise ConfigError("cookiecutter is not installed here: make setup, or `uv pip install cookiecutter`")


def add_to(commands: Any) -> None:
    """Add these commands to the command line."""
    command = commands.add_parser(
        "template-update", help="renew this repo from its template", description=template_update.__doc__
    )
    command.add_argument(
        "--ref", metavar="REVISION", help="tag, branch or commit of the template (default: the newest)"
    )
    command.add_argument(
        "--set",
        metavar="NAME=ANSWER",
        action="append",
        default=[],
        help="another answer to a prompt, such as serving=yes",
    )
    command.add_argument("--template", metavar="ADDRESS", help="where the template is now, if it has moved")
    command.add_argument(
        "--propose", action="store_true", help="push the branch and open a pull request with the changelog"
    )
    command.add_argument("--abort", action="store_true", help="give up an update that has conflicts")
    command.set_defaults(run=template_update)
    command = commands.add_parser(
        "template-link", help="record the template that this repo was made from", description=template_link.__doc__
    )
    command.add_argument("address", help="a git address, a folder or a zip file")
    command.set_defaults(run=template_link)
