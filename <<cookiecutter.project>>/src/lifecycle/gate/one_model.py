"""The verdict on one model of several, in a process whose working directory is its folder.

    python -m lifecycle.gate.one_model DATE CONTENT.json [--base REV] [--record]

It writes the content of the verdict; of none, why. `--record` records it on the model's run in MLflow.
"""

import argparse
import datetime
import signal
import sys
from pathlib import Path
from typing import Any

from lifecycle.core.errors import ProjectError
from lifecycle.core.files import write_json
from lifecycle.gate.gate import gate
from lifecycle.gate.record import record


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("date", type=datetime.date.fromisoformat)
    parser.add_argument("content", type=Path)
    parser.add_argument("--base")
    parser.add_argument("--record", action="store_true")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    content: dict[str, Any] = {}
    try:
        content = gate(arguments.base, arguments.date)
    except ProjectError as error:
        content = {"verdict": "undecided", "error": str(error)}
    write_json(content, arguments.content)
    if arguments.record and "error" not in content:
        print(record(content), file=sys.stderr)


if __name__ == "__main__":
    main()
