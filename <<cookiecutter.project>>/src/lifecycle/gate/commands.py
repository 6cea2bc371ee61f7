"""The commands `gate` and `gate propose`."""

import argparse
import os
import signal
import sys
from pathlib import Path
from typing import Any

from lifecycle.core.errors import ProjectError


def gate(arguments: argparse.Namespace) -> int:
    """Check whether the last commit may be merged into its base. Exit code 0: yes, 1: no, 2: no verdict. In a repo with several
    models, each that the branch touches is checked."""
    import datetime

    from lifecycle.core.errors import ConfigError
    from lifecycle.core.files import write_json, write_text
    from lifecycle.gate import several_models
    from lifecycle.gate.gate import gate
    from lifecycle.gate.pull_request_comment import markdown
    from lifecycle.gate.terminal import terminal

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # clean up when stopped as well
    content: dict[str, Any] = {}
    for path in filter(None, (arguments.report, arguments.json)):
        path.unlink(missing_ok=True)  # of another run, or of the commit: misleading if this one does not come to an end
    today = datetime.datetime.now(datetime.UTC).date()
    several = several_models.has_several()
    try:
        if several:
            content = several_models.judge(arguments.base, today, arguments.record)
        else:
            content = gate(arguments.base, today)
        print(terminal(content), end="")
    except ProjectError as error:
        content = {"verdict": "undecided", "error": str(error)}
        raise
    finally:
        if content and arguments.report:
            write_text(markdown(content, os.environ.get("RUN_URL", "")), arguments.report)
        if content and arguments.json:
            write_json(content, arguments.json)
    if several and (why := several_models.undecided(content)):
        raise ConfigError(why)
    if arguments.record and not several:
        from lifecycle.gate.record import record

        print(record(content), file=sys.stderr)
    return 1 if content["reasons"] else 0


def propose(arguments: argparse.Namespace) -> int:
    """Write gates.yaml: limits from what the present model reaches, and how uncertain that is. Run `make repro` first."""
    from lifecycle.core import config
    from lifecycle.core.files import write_text
    from lifecycle.gate.propose import propose

    text, lines = propose(config.load())
    write_text(text, config.GATES)
    print("\n".join([*lines, f"wrote {config.GATES}: change what you disagree with, then commit it"]))
    return 0


def add_to(verbs: Any) -> None:
    """Add these commands to the command line."""
    verb = verbs.add_parser("gate", help="check whether the last commit may be merged", description=gate.__doc__)
    verb.add_argument(
        "--base",
        metavar="REV",
        help="the branch or commit to merge into; by default origin's default branch, else main, else the commit before",
    )
    verb.add_argument("--report", type=Path, metavar="FILE.md", help="write the report as Markdown")
    verb.add_argument("--json", type=Path, metavar="FILE", help="write the verdict and everything it is based on")
    verb.add_argument("--record", action="store_true", help="record the verdict on the model's run in MLflow")
    verb.set_defaults(run=gate)
    nested = verb.add_subparsers(title="instead of a check", metavar="[propose]")
    propose_verb = nested.add_parser(
        "propose", help="write gates.yaml from the present model", description=propose.__doc__
    )
    propose_verb.set_defaults(run=propose)
