"""The files of a commit that the gate reads and cannot: conflict markers, a mapping that is none, a number too large.

Of the branch, that is an error, so none of it ever gets into a base through a pull request that the gate has passed. Of a
base that got there otherwise, it means that nothing can be compared with it, so that a pull request can mend it.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from lifecycle.core import config
from lifecycle.core.dvc_files import metrics_of, pipeline_of, stages_of
from lifecycle.core.errors import ConfigError
from lifecycle.core.git import files_at, text_at
from lifecycle.gate.commit_metadata import refuse_links
from lifecycle.gate.exchanged_problem import problem_of
from lifecycle.gate.policy import parse

DVC_YAML = Path("dvc.yaml")
LONGEST = 200  # characters of a line


def unreadable(commit: str, whose: str) -> list[str]:
    """Return why files of a commit cannot be read, a line each; `whose` names the commit there, as in `the base`."""
    readers: dict[Path, Callable[[str, str], Any]] = {
        config.LOCK: stages_of,
        DVC_YAML: pipeline_of,
        config.GATES: parse,
        config.PARAMS: problem_of,
    }
    readers |= dict.fromkeys(map(Path, files_at(commit, str(config.METRICS))), metrics_of)
    lines = []
    for path, reader in readers.items():
        text = text_at(commit, path)
        if text is None or path.suffix not in (".json", ".yaml", ".lock"):
            continue
        try:
            reader(text, f"{path} of {whose}")
        except ConfigError as error:
            lines.append(" ".join(str(error).split())[:LONGEST])
    return lines


def refuse_unreadable(commit: str) -> None:
    """Raise ConfigError if a file of the branch is a link, or cannot be read; params.yaml is left to the pipeline, which says more."""
    refuse_links(commit)
    for line in unreadable(commit, "the branch"):
        if not line.startswith(str(config.PARAMS)):
            raise ConfigError(line)


def refuse_unreadable_metrics(folder: Path) -> None:
    """Raise ConfigError if a file of metrics in a checkout holds what DVC cannot compare."""
    for path in sorted((folder / config.METRICS).glob("*.json")):
        metrics_of(path.read_bytes().decode("utf-8", errors="replace"), f"{path.relative_to(folder)} of the branch")
