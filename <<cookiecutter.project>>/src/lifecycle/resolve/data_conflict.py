"""A .dvc file in conflict: what the data of both sides is, and how one version, or the rows of both, is taken."""

import io
from pathlib import Path

from ruamel.yaml import YAML

from lifecycle.core import config
from lifecycle.core.config import Data, Params
from lifecycle.core.dvc import remotes
from lifecycle.core.errors import DataError
from lifecycle.core.files import parse_yaml, write_text
from lifecycle.core.git import git, text_at
from lifecycle.core.model_folders import folder_of, names_here
from lifecycle.resolve.conflicts import BASE, OURS, THEIRS, Conflict
from lifecycle.resolve.data_versions import add, data_versions, output
from lifecycle.resolve.joined_data import join, row_count

SIDES = {"ours": OURS, "theirs": THEIRS}
SHORT = 9  # digits of a hash


def describe(conflict: Conflict) -> str:
    """Return what the data of both sides is, and which of them can be taken, in one line."""
    data = _format(conflict.path)
    with data_versions(conflict) as paths:
        sides = [
            f"{name} {_described(conflict.text(stage), f'{conflict.path} of {name}', paths.get(stage), data)}"
            for name, stage in SIDES.items()
        ]
        try:
            rows = row_count(_join(conflict, paths, data), data)
            joining = f", or with DATA=both, as rows were only appended ({rows:,} in all)"
        except DataError as error:
            joining = f"; DATA=both is not possible: {error}"
    return f"{conflict.path}: {', '.join(sides)}: take one with `make resolve DATA=ours` or DATA=theirs{joining}"


def take(conflict: Conflict, choice: str) -> str:
    """Write and stage the .dvc file of a choice: ours, theirs or both. Returns what was taken, in one line.

    Raises DataError if the choice is both and a side does more than append rows; then nothing has changed.
    """
    path = conflict.path
    if choice != "both":
        text = conflict.text(SIDES[choice])
        if text is None:
            git("rm", "--quiet", "--force", "--", str(path))
            return f"{path}: removed, as in {choice}"
        write_text(text, path)
        git("add", "--", str(path))
        return f"{path}: took {choice}"
    data = _format(path)
    with data_versions(conflict) as paths:
        joined = _join(conflict, paths, data)
        rows = row_count(joined, data)
        text = _pointer_of(conflict, add(joined, output(conflict.text(OURS), f"{conflict.path} of ours").get("remote")))
    for folder in remotes(Path()).values():  # the commit carries a remote that lies in the repo
        if folder.is_relative_to(Path().resolve()) and folder.exists():
            git("add", "--", str(folder))
    write_text(text, path)
    git("add", "--", str(path))
    return f"{path}: took the rows of both sides, {rows:,} in all"


def _join(conflict: Conflict, paths: dict[str, Path], data: Data) -> Path:
    """Join the rows of both sides in a file beside them. Raises DataError if that cannot be done."""
    if missing := [name for name, stage in SIDES.items() if stage not in paths]:
        raise DataError(f"the data of {missing[0]} is not there")
    if BASE in conflict.blobs and BASE not in paths:
        raise DataError("the data that both sides started from is in no remote")
    target = paths[OURS].parents[1] / "both" / paths[OURS].name
    target.parent.mkdir()
    join(paths.get(BASE), paths[OURS], paths[THEIRS], target, data)
    return target


def _pointer_of(conflict: Conflict, added: dict[str, object]) -> str:
    """The text of our .dvc file with the hash and size of other data."""
    content = YAML().load(conflict.text(OURS))
    content["outs"][0].update({key: value for key, value in added.items() if key in ("md5", "size", "nfiles")})
    text = io.StringIO()
    YAML().dump(content, text)
    return text.getvalue()


def _described(pointer: str | None, source: str, path: Path | None, data: Data) -> str:
    if pointer is None:
        return "has none"
    rows, content = row_count(path, data) if path else None, output(pointer, source)
    size = f"{rows:,} rows" if rows is not None else f"{content.get('size', 'an unknown number of')} bytes"
    return f"has {size} (DVC {str(content.get('md5'))[:SHORT]}{'' if path else ', which no remote has'})"


def _format(pointer: Path) -> Data:
    """How the data of a .dvc file is written: the dataset as params.yaml says, another CSV file plainly."""
    path = pointer.with_suffix("")
    for home in (Path(), *map(folder_of, names_here())):
        params = home / config.PARAMS
        text = text_at("HEAD", params)  # the one in the working tree may be in conflict
        data = Params.checked(parse_yaml(text, str(params)), str(params)).data if text else None
        if data and path == home / data.raw:
            return data.model_copy(update={"raw": path})
    return Data(raw=path, id="", target="")
