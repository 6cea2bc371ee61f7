"""The files of a commit that the gate reads and cannot: conflict markers, a mapping that is none, a number too large.

Of a base it means that nothing can be compared with it, so that a pull request can mend it. None of it gets into a base
through the gate: of a branch it is an error here, or its pipeline or its limits fail.
"""

from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path
from typing import Any

from lifecycle.core import config
from lifecycle.core.dvc_files import metrics_of, pipeline_of, refuse_huge, stages_of
from lifecycle.core.errors import ConfigError
from lifecycle.core.files import TOO_MANY, parse_yaml
from lifecycle.core.git import files_at, text_at
from lifecycle.core.package_versions import ENVIRONMENT
from lifecycle.gate.base_metrics import declared_at
from lifecycle.gate.commit_metadata import json_mapping, refuse_links
from lifecycle.gate.exchanged_problem import problem_of
from lifecycle.gate.policy import parse

LONGEST = 200  # characters of a line

Reader = Callable[[str, str], Any]
READERS: dict[Path, Reader] = {
    config.LOCK: stages_of,
    Path("dvc.yaml"): pipeline_of,
    config.PARAMS: problem_of,
    ENVIRONMENT: parse_yaml,
}
LEFT_TO_OTHERS = (str(config.GATES), str(config.PARAMS), str(ENVIRONMENT))  # of a branch: who reads these says more


def unreadable(commit: str, whose: str, judged: Collection[str] = ()) -> list[str]:
    """Return why files of a commit cannot be read, a line each.

    Args:
        commit: the commit.
        whose: names it in a line, as in `the base`.
        judged: the files whose metrics have limits; of others only a number that is too large for DVC matters.
    """
    readers = READERS | {config.GATES: partial(parse, own=declared_at(commit))}
    readers |= {
        Path(name): metrics_of if name in judged else _refuse_huge
        for name in files_at(commit, str(config.METRICS))
        if name.endswith(".json") and name != str(config.SLICES)
    }
    lines = []
    for path, reader in readers.items():
        if (text := text_at(commit, path)) is None:
            continue
        try:
            reader(text, f"{path} of {whose}")
        except ConfigError as error:
            lines.append(" ".join(str(error).split())[:LONGEST])
    return lines


def refuse_unreadable(commit: str) -> None:
    """Raise ConfigError if a file of the branch is a link, or cannot be read."""
    refuse_links(commit)
    for line in unreadable(commit, "the branch"):
        if not line.startswith(LEFT_TO_OTHERS) or TOO_MANY in line:  # DVC would write them out, and never end
            raise ConfigError(line)


def refuse_huge_metrics(folder: Path) -> None:
    """Raise ConfigError if a file of metrics in a checkout of the branch has a number that DVC cannot compute with."""
    for path in sorted((folder / config.METRICS).glob("*.json")):
        if path.is_file() and path.relative_to(folder) != config.SLICES:
            _refuse_huge(
                path.read_bytes().decode("utf-8", errors="replace"), f"{path.relative_to(folder)} of the branch"
            )


def _refuse_huge(text: str, source: str) -> None:
    refuse_huge(json_mapping(text), source)
