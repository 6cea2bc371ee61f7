"""The files of the repo that are about its table, written anew; those of the table before it go."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

from lifecycle.adopt import search_file
from lifecycle.adopt.columns import Column
from lifecycle.adopt.contract_draft import draft
from lifecycle.adopt.params_file import rewrite
from lifecycle.adopt.plan import Plan
from lifecycle.core import config
from lifecycle.core.config import Params
from lifecycle.core.dvc import dvc, failure_line, remotes
from lifecycle.core.errors import DataError
from lifecycle.core.files import write_text
from lifecycle.core.home import at_root
from lifecycle.core.tables import markdown_table

SAMPLE_FILES = Path(".sample-files")
"""Lists what belongs to the sample that the template comes with, a path a line."""
SEARCH = "search.yaml"
CLASSIFICATION_PLOTS = "  # Classification only"


def write(folder: Path, plan: Plan, before: Params, raw: Path, description: str | None) -> None:
    """Write params.yaml, search.yaml, contract.yaml, features.py, data/README.md and the description of a checkout for a table.

    Args:
        folder: the checkout, whose table is in place and tracked by DVC.
        plan: what was decided about the table.
        before: the parameters until now.
        raw: the path of the table in the repo.
        description: what the model is for, a sentence; it stays as it is, if None.
    """
    _edit(folder / config.PARAMS, lambda text: rewrite(text, plan, str(raw)))
    if (folder / SEARCH).exists():
        _edit(folder / SEARCH, lambda text: search_file.rewrite(text, plan))
    write_text(draft(plan.columns, plan.key, plan.target, before.package), folder / config.CONTRACT)
    package = at_root(folder) / "src" / before.package
    write_text(_features(plan), package / "features.py")
    write_text(_readme(plan, raw), folder / "data/README.md")
    _edit(folder / "dvc.yaml", lambda text: plots(text, plan.target.task))
    if description:
        _describe(folder, package, _plain(description))


def _describe(folder: Path, package: Path, description: str) -> None:
    """Say what the model is for, where it is said: in the package, README.md and pyproject.toml."""
    old = re.match(r'"""(.*?)\.?"""', (package / "__init__.py").read_text(encoding="utf-8"))
    write_text(f'"""{description}."""\n', package / "__init__.py")
    sentence = old[1] if old else description
    for name in ("README.md", "pyproject.toml") if folder == at_root(folder) else ():
        _edit(folder / name, lambda text: text.replace(sentence, description, 1))


def _plain(description: str) -> str:
    """A sentence as a docstring and a TOML string can hold it: one line, without double quotes and backslashes."""
    return " ".join(description.replace('"', "'").replace("\\", "/").split()).rstrip(".")


def drop_old_table(folder: Path, before: Params, raw: Path) -> bool:
    """Remove the pointer of the table before, its storage if it lies in the repo, and the files of the template's sample.

    Returns whether it was the sample.
    """
    listed = folder / SAMPLE_FILES
    paths = listed.read_text(encoding="utf-8").split() if listed.exists() else []
    pointers = [f"{before.data.raw}.dvc"] if before.data.raw != raw else []
    for name in [*paths, *pointers, *([str(SAMPLE_FILES)] if paths else [])]:
        path = folder / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    ignored = folder / before.data.raw.parent / ".gitignore"
    if pointers and ignored.exists():
        lines = [
            line for line in ignored.read_text(encoding="utf-8").splitlines() if line != f"/{before.data.raw.name}"
        ]
        write_text("".join(f"{line}\n" for line in lines), ignored)
    for name, place in remotes(folder).items():
        if place.is_relative_to(folder.resolve()) and not place.exists():
            done = dvc("remote", "remove", name, folder=folder)
            if done.returncode:
                raise DataError(f"dvc remote remove {name}: {failure_line(done)}")
    return bool(paths)


def plots(text: str, task: str) -> str:
    """Return dvc.yaml with the plots that suit a task; those of a classification are comments for a regression."""
    head, mark, tail = text.partition(CLASSIFICATION_PLOTS)
    if not mark:
        return text
    first, *lines = tail.splitlines()
    bare = [re.sub(r"^( *)# ", r"\1", line) for line in lines]
    if task == "regression":
        bare = [re.sub(r"^( *)(?=\S)", r"\1# ", line) for line in bare]
    return "\n".join([head + mark + first, *bare]) + "\n"


def _features(plan: Plan) -> str:
    kinds: dict[str, int] = {}
    for name in plan.inputs:
        kinds[plan.columns[name].kind] = kinds.get(plan.columns[name].kind, 0) + 1
    of_kinds = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
    return f'''"""Your features. Training and every use of the model call this one function."""

import pandas as pd


def build_features(frame: pd.DataFrame) -> pd.DataFrame:
    """Return `frame` with derived columns added. Its own columns and the order of its rows do not change.

    Row-wise and pure: the features of a row depend on that row alone, so it has the same features in any table.
    What has to be learned from data, such as an encoding, belongs in `make_preparation` in model.py.

    Args:
        frame: rows with the model's inputs, the contract's columns without id, target and data.exclude: {of_kinds}.

    Returns:
        The same rows. Add columns with `frame.assign(...)`.
    """
    return frame.copy()
'''


def _readme(plan: Plan, raw: Path) -> str:
    rows = [[f"`{name}`", _type(plan, column), _role(plan, name)] for name, column in plan.columns.items()]
    questions = [
        ["Source", "who made it, how it is obtained, how often it changes"],
        ["A row is", ""],
        ["The target is known", "how long after the row"],
        ["Licence, personal data", ""],
    ]
    sections = [
        "# Data",
        f"## `{raw.relative_to('data')}`",
        f"{plan.file.rows:,} rows × {len(plan.columns)} columns. Fill in what only you know:",
        markdown_table(["question", "answer"], questions),
        markdown_table(["column", "type", "what it is"], rows),
    ]
    return "\n\n".join(sections) + "\n"


def _type(plan: Plan, column: Column) -> str:
    if column.name == plan.target.name:
        return f"{plan.target.dtype}{f', missing in {column.nulls:,} rows' if column.nulls else ''}"
    return f"{column.dtype}{', nullable' if column.nulls else ''}"


def _role(plan: Plan, name: str) -> str:
    if name == plan.target.name:
        return "the target"
    if name == plan.key.id:
        return "key, one row each"
    return f"not given to the model: {plan.exclude[name]}" if name in plan.exclude else ""


def _edit(path: Path, change: Callable[[str], str]) -> None:
    write_text(change(path.read_text(encoding="utf-8")), path)
