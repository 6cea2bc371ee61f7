"""The one way to load a version of the model and ask it: servers and `check` do, each in a process of its own.

    python -P version_loading.py FOLDER

prints how a version answers the rows that were logged with it.
"""

import importlib
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

PRELOADED = "lifecycle.core.scoring"  # for what it imports; the version's own takes its place
# One thread: a process with several cannot be forked safely, and for a few rows they cost more than they save.
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


@dataclass(frozen=True)
class KnownAnswers:
    """The rows that were logged with a version, its answers, and how far these are from the predictions of `evaluate`."""

    known: list[dict[str, Any]]
    answers: list[dict[str, Any]]
    difference: float


def load(folder: Path) -> Any:
    """Return the Scoring of the version in a folder: by its own code, which takes the place of this process's `lifecycle`.

    Raises whatever that code raises.
    """
    for name in [name for name in sys.modules if name.partition(".")[0] == "lifecycle"]:
        del sys.modules[name]
    sys.path.insert(0, str(folder / "code"))
    return importlib.import_module(PRELOADED).Scoring(folder)


def ask(scoring: Any) -> KnownAnswers:
    """Let a version answer its known rows. Raises whatever its code raises."""
    known, difference = scoring.known()
    return KnownAnswers(known, scoring.answers(known), difference)


if __name__ == "__main__":
    print(json.dumps(asdict(ask(load(Path(sys.argv[1]))))))
