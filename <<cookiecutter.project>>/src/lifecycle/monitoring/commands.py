"""The command `monitor`."""

import argparse
import traceback
from pathlib import Path
from typing import Any

from lifecycle.core.errors import ConfigError, ProjectError

BATCH = Path(__file__).parents[1] / "batch"  # the part that writes the tables of scores


def monitor(arguments: argparse.Namespace) -> int:
    """Compare a window of the traffic with the reference. Exit code 0: healthy, 1: act, 2: undecided, or an error."""
    if arguments.act and arguments.alias != "production":
        raise ConfigError(f"--act is for production, not for {arguments.alias}")
    if arguments.act and arguments.version:
        raise ConfigError("--act is for the version that is in production now, not for one that --version names")
    scores, given, labels = (getattr(arguments, name, None) for name in ("scores", "input", "labels"))
    if scores is None and (given or labels):
        raise ConfigError("--input and --labels go with --scores, the folder that `score` wrote")
    if scores is not None and arguments.log:
        raise ConfigError("--scores and --log name two things to monitor: give one of them")
    from lifecycle.monitoring.page_process import PageProcess

    try:
        with PageProcess() as page:  # it imports Evidently beside what is imported here
            from lifecycle.monitoring import alarm_rule, summary_format
            from lifecycle.monitoring.monitor import Options, Scores, monitor

            table = Scores(scores, given, labels) if scores is not None else None
            options = Options(
                arguments.alias,
                arguments.since,
                arguments.until,
                arguments.window,
                arguments.log,
                table,
                arguments.version,
            )
            summary, folder = monitor(options, page.draw)
    except ProjectError as error:  # exit code 1 would mean that the status is act
        raise ConfigError(str(error)) from error
    except Exception:
        traceback.print_exc()
        return 2
    print(summary_format.terminal(summary), end="")
    print(f"report: {folder}")
    if arguments.act:
        from lifecycle.monitoring.alerts import act

        for line in act(summary, folder, Path()):
            print(line, flush=True)
    return alarm_rule.EXIT_CODES[summary.status]


def add_to(verbs: Any) -> None:
    """Add this command to the command line."""
    verb = verbs.add_parser("monitor", help="compare traffic with the reference", description=monitor.__doc__)
    verb.add_argument("--window", metavar="LENGTH", help="30m, 12h, 1d, 2w (default: window.length of monitoring.yaml)")
    verb.add_argument(
        "--since", metavar="TIME", help="start of the window, in UTC (default: its length before its end)"
    )
    verb.add_argument("--until", metavar="TIME", help="end of the window, in UTC (default: now)")
    verb.add_argument(
        "--log", metavar="PATH", help="the prediction log, a folder or a URL (default: that of the settings)"
    )
    if BATCH.is_dir():
        _add_tables(verb)
    verb.add_argument(
        "--alias",
        choices=("staging", "production"),
        default="production",
        help="whose traffic (default: %(default)s)",
    )
    verb.add_argument(
        "--version", type=_number, metavar="N", help="the rows that this version answered, whatever alias it has now"
    )
    verb.add_argument(
        "--act", action="store_true", help="if it is time to act, alert people, and start what the settings say"
    )
    verb.set_defaults(run=monitor)


def _number(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not the number of a version")
    return int(text)


def _add_tables(verb: Any) -> None:
    """Add the options that are about what `score` wrote."""
    verb.add_argument(
        "--scores", metavar="PATH", help="monitor what `score` wrote, a folder or a URL, instead of the prediction log"
    )
    verb.add_argument("--input", metavar="TABLE", help="the table that was scored, which has the inputs of --scores")
    verb.add_argument(
        "--labels", metavar="TABLE", help="id and target of rows in --scores (default: --input, if it has the target)"
    )
