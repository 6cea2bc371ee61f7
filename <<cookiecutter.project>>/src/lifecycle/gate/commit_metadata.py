"""What a commit contains beside its metrics: its dataset, slices, dvc.lock and code, and which files affect the verdict."""

from contextlib import suppress
from pathlib import Path
from typing import Any

from lifecycle.core import config
from lifecycle.core.dvc_files import outs_of, stages_at, stages_of
from lifecycle.core.errors import ConfigError
from lifecycle.core.files import parse_json, parse_yaml
from lifecycle.core.git import changed_files, git, merge_base, text_at
from lifecycle.core.home import NAME, ROOT
from lifecycle.core.model_folders import TOP, folder_of, owner_of
from lifecycle.core.tracking import lock_hash
from lifecycle.gate.check_result import count_or_none
from lifecycle.gate.commit_files import acted_on
from lifecycle.gate.rules import SliceFigures
from lifecycle.gate.touched_models import concerning

# A pull request is expected to change these. A change of any other file may alter what the metrics mean or how they are
# checked, so the report names it.
EXPECTED_CHANGES = (
    "docs",
    "tests",
    "metrics",
    "models/trusted_types.txt",
    "plots",
    "reports",
    "data/**/*.dvc",
    ".dvc/embedded",
    "params.yaml",
    "dvc.lock",
    "*.md",
    "LICENSE",
    "src/*/features.py",
    "src/*/model.py",
)
SYMBOLIC_LINK, FOLDER = "120000", "040000"  # modes in a git tree
# What the gate and the pipeline read, beside what has a name in config.
FILES = ("dvc.yaml", "environment.yaml", "requirements.txt", ".python-version", "pyproject.toml", "Makefile")
FOLDERS = ("src", "scripts", ".dvc", "plots", "models")


def refuse_links(commit: str) -> None:
    """Raise ConfigError if a file that the gate or the pipeline reads is a link, or a folder in its place.

    A report names the files that a branch changes, but not a file below docs that a link makes code of.
    """
    own = (config.GATES, config.LOCK, config.PARAMS, config.CONTRACT)
    files = {*own, *map(Path, FILES), *(ROOT / name for name in FILES)}
    folders = {config.METRICS, config.VALIDATION_REPORT.parent, *map(Path, FOLDERS), *(ROOT / name for name in FOLDERS)}
    for line in git("ls-tree", "-r", "-t", commit, "--", *sorted(map(str, files | folders))).splitlines():
        name = line.partition("\t")[2]
        if line.startswith(SYMBOLIC_LINK):
            raise ConfigError(f"{name} is a link in the commit: put the file itself there")
        if line.startswith(FOLDER) and Path(name) in files:
            raise ConfigError(f"{name} is a folder in the commit: put the file itself there")


def files_affecting_verdict(base: str, head: str) -> list[str]:
    """Return the files changed since the base that may affect the verdict, from the top of the project, code and settings first."""
    expected = [folder_of(NAME) / name if owner_of(name, []) == TOP else Path(name) for name in EXPECTED_CHANGES]
    excluded = [f":(exclude,glob){path}" for path in expected]
    of_tree = changed_files(f"{base}...{head}", "--", ".", *excluded, folder=ROOT)
    changed = {*of_tree, *acted_on(base, head)} - {str(folder_of(NAME) / config.LOCK)}
    return sorted(concerning(changed, base, head), key=lambda name: (not name.endswith((".py", ".yaml", ".yml")), name))


def dataset(validation: str | None, commit: str) -> dict[str, Any]:
    """Return rows, columns, number of checks and DVC's hash of the dataset; None for what the commit does not contain."""
    report, checks = json_mapping(validation), json_mapping(validation).get("checks")
    hashes: list[str | None] = []
    with suppress(ConfigError, AttributeError):  # a commit whose params.yaml, dvc.lock or .dvc file cannot be read
        raw = str(parse_yaml(text_at(commit, config.PARAMS) or "{}", str(config.PARAMS)).get("data", {}).get("raw"))
        if pointer := text_at(commit, Path(f"{raw}.dvc")):
            hashes += [out.get("md5") for out in outs_of(pointer, f"{raw}.dvc")]
        deps = [dep for stage in stages_at(commit).values() for dep in stage.get("deps", [])]
        hashes += [dep.get("md5") for dep in deps if dep["path"] == raw]
    return {
        "rows": count_or_none(report.get("rows")),
        "columns": count_or_none(report.get("columns")),
        "checks": len(checks) if isinstance(checks, list) else 0,
        "md5": next(iter(hashes), None),
    }


def slices_of(text: str | None) -> SliceFigures:
    """Return the content of metrics/slices.json, or nothing if it is missing or of another form."""
    content = json_mapping(text)
    for values in content.values():
        if not isinstance(values, dict) or not all(isinstance(figures, dict) for figures in values.values()):
            return {}
        if any(count_or_none(figures.get("rows")) is None for figures in values.values()):
            return {}
    return content


def json_mapping(text: str | None) -> dict[str, Any]:
    """Return the content of a JSON text if that is a mapping, else an empty one."""
    with suppress(ConfigError):
        return parse_json(text or "{}", "")
    return {}


def both_retrained(base: str, head: str) -> bool:
    """Whether both commits have other results than the commit where they parted, and than each other."""
    fork = merge_base(base, head)
    return fork is not None and len({lock_hash_of(commit) for commit in (fork, base, head)}) == 3


def lock_hash_of(commit: str) -> str | None:
    """Return the hash of a commit's dvc.lock, or None if it has none that can be read."""
    text = text_at(commit, config.LOCK)
    with suppress(ConfigError):
        return lock_hash(stages_of(text, str(config.LOCK))) if text else None
    return None
